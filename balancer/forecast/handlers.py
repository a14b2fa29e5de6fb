"""`/history` and `/forecast`: what was measured at a substation by the quarter hour, and what is to come."""

import dataclasses

from tornado.web import HTTPError

from balancer.forecast.calendar_days import SLOTS
from balancer.forecast.forecaster import Forecaster
from balancer.forecast.history import History, HistoryUnavailable
from balancer.forecast.recorder import QuarterHour
from balancer.forecast.substation_models import Series
from runtime.handlers import ApiHandler
from runtime.problem import UNAVAILABLE

MOST_ROWS = 2000  # three weeks
FARTHEST = 2**40
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class HistoryHandler(ApiHandler):
    """`GET /history?substation_id=&from=&to=&limit=`: quarter hours, the oldest first."""

    def initialize(self, history: History) -> None:  # type: ignore[override]
        """`history` is that of this balancer."""
        super().initialize()
        self._history = history

    async def get(self) -> None:
        """Write a page; `next_from` continues it, and is null on the last one."""
        first = self.whole_argument("from", -FARTHEST, -FARTHEST, FARTHEST)
        last = self.whole_argument("to", FARTHEST, -FARTHEST, FARTHEST)
        most = self.whole_argument("limit", SLOTS, 1, MOST_ROWS)
        substation_id = _substation_id(self)
        try:
            rows = await self._history.between(substation_id, first, last, most + 1)
        except HistoryUnavailable as error:
            self.write_problem(UNAVAILABLE, detail=str(error))
            return
        self.write_json(
            {
                "substation_id": substation_id,
                "quarter_hours": [_row_json(row) for row in rows[:most]],
                "next_from": rows[most].slot if len(rows) > most else None,
            }
        )


class ForecastHandler(ApiHandler):
    """`GET /forecast?substation_id=`: the next 24 h of each series."""

    def initialize(self, forecaster: Forecaster) -> None:  # type: ignore[override]
        """`forecaster` is that of this balancer."""
        super().initialize()
        self._forecaster = forecaster

    def get(self) -> None:
        """Write the forecast; a series that was never reported is empty."""
        substation_id = _substation_id(self)
        body: dict[str, object] = {"substation_id": substation_id}
        for series in Series:
            steps = self._forecaster.forecast(substation_id, series)
            body[series] = [
                when(step.slot) | {name: round(getattr(step, name), 3) for name in ("mean", "p10", "p90")}
                for step in steps
            ]
        self.write_json(body)


def when(slot: int) -> dict[str, object]:
    """Return a quarter hour as JSON shows it: its number, its weekday, and the time of day at which it starts."""
    day, of_day = divmod(slot, SLOTS)
    clock = f"{of_day // 4:02}:{of_day % 4 * 15:02}"
    return {"slot": slot, "weekday": WEEKDAYS[day % len(WEEKDAYS)], "time": clock}


def _row_json(row: QuarterHour) -> dict[str, object]:
    fields = dataclasses.asdict(row)
    del fields["substation_id"]
    return when(row.slot) | fields


def _substation_id(handler: ApiHandler) -> str:
    if not (substation_id := handler.argument("substation_id")):
        raise HTTPError(400, "substation_id must be given")
    return substation_id
