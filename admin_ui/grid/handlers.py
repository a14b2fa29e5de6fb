"""`/api/history`: loads and limit of the last minutes to 7 days; `/api/outlook`: what is to come; `/api/forecast`: base loads."""

from http import HTTPStatus

from tornado.web import HTTPError

from admin_ui.grid.base_load_days import DAY, hours_json
from admin_ui.grid.board import Board
from admin_ui.grid.grid_calls import GridCalls
from admin_ui.grid.history import HISTORY_S
from admin_ui.grid.kept_file import FileUnavailable
from admin_ui.grid.outlooks import LONGEST_S as FARTHEST_S
from admin_ui.grid.outlooks import Outlooks
from admin_ui.grid.past import LONGEST_S, Past
from admin_ui.web.access import ConsoleHandler
from admin_ui.web.compression import finish_json
from runtime.problem import UNAVAILABLE
from runtime.settings import integer

MOST_ID = 128
MOST_NAMES = 20
LAST_SECOND = 2**40


class HistoryHandler(ConsoleHandler):
    """`GET /api/history?seconds=&until=&step=&substation_id=`: loads and capacity, one value each `step_s`.

    `until` is a unix second (default: now); with it, means are returned however few the seconds are.
    `substation_id` may be repeated: at most MOST_NAMES times beyond the last HISTORY_S seconds. The default is all
    substations, and beyond these seconds the fleet alone. Of them, `step` asks for means of so many seconds.
    """

    def setup(self, board: Board, past: Past) -> None:  # type: ignore[override]
        """`board` holds the last seconds, `past` the days before."""
        self._board = board
        self._past = past

    async def get(self) -> None:
        """Write a column of values for each figure."""
        try:
            seconds = integer(1, LONGEST_S)(self.get_query_argument("seconds", "60"))
            until = self.get_query_argument("until", "")
            until_s = integer(0, LAST_SECOND)(until) if until else None
            step_s = integer(1, HISTORY_S)(self.get_query_argument("step", "1"))
        except ValueError as error:
            raise HTTPError(400, f"seconds, until, step: {error}") from None
        names = self.get_query_arguments("substation_id")
        if seconds <= HISTORY_S and until_s is None:
            if seconds % step_s:
                raise HTTPError(400, "seconds: must be a multiple of step")
            finish_json(self, self._board.history(seconds, names, step_s))
            return
        if len(names) > MOST_NAMES:
            raise HTTPError(400, f"substation_id: at most {MOST_NAMES} beyond {HISTORY_S} s")
        try:
            columns = await self._past.columns(seconds, names, until_s)
        except FileUnavailable as error:
            self.write_problem(UNAVAILABLE, detail=f"The charts' past can't be read: {error}.")
            return
        finish_json(self, columns)


class OutlookHandler(ConsoleHandler):
    """`GET /api/outlook?seconds=&substation_id=`: what is left of the cars, and the expected base load, from now on."""

    def setup(self, outlooks: Outlooks) -> None:  # type: ignore[override]
        """`outlooks` asks the balancer."""
        self._outlooks = outlooks

    async def get(self) -> None:
        """Write both; `fault` says in words what could not be looked up."""
        try:
            seconds = integer(1, FARTHEST_S)(self.get_query_argument("seconds"))
        except ValueError as error:
            raise HTTPError(400, f"seconds: {error}") from None
        substation_id = self.get_query_argument("substation_id", "")[:MOST_ID]
        finish_json(self, await self._outlooks.of(seconds, substation_id))


class ForecastHandler(ConsoleHandler):
    """`GET /api/forecast?substation_id=`: base load by the quarter hour, measured of 24 h and expected for 24 h."""

    def setup(self, calls: GridCalls) -> None:  # type: ignore[override]
        """`calls` reach the balancer."""
        self._calls = calls

    async def get(self) -> None:
        """Write both; `fault` says in words what could not be looked up."""
        substation_id = self.get_query_argument("substation_id", "")[:MOST_ID]
        if not substation_id:
            raise HTTPError(400, "send substation_id")
        replies = [await self._calls.forecast(substation_id)]
        expected = replies[0].body.get("base_load_w") or []
        if expected:
            first = int(expected[0]["slot"])
            replies.append(await self._calls.quarter_hours(substation_id, first - DAY, first - 1))
        faults = [each.detail for each in replies if each.status != HTTPStatus.OK]
        measured = replies[-1].body.get("quarter_hours", [])
        finish_json(
            self,
            {
                "substation_id": substation_id,
                **hours_json(measured, expected),
                "fault": f"The forecast can't be looked up: {faults[0]}." if faults else "",
            },
        )
