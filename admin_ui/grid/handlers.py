"""`/api/history`: load and limit of the last quarter of an hour."""

from tornado.web import HTTPError

from admin_ui.grid.board import Board
from admin_ui.grid.history import HISTORY_S
from admin_ui.web.access import ConsoleHandler
from runtime.settings import integer


class HistoryHandler(ConsoleHandler):
    """`GET /api/history?seconds=&substation_id=`: load and capacity, one value a second.

    `substation_id` may come several times; without it, all are told.
    """

    def setup(self, board: Board) -> None:  # type: ignore[override]
        """`board` keeps the history."""
        self._board = board

    def get(self) -> None:
        """Write columns."""
        try:
            seconds = integer(1, HISTORY_S)(self.get_query_argument("seconds", "60"))
        except ValueError as error:
            raise HTTPError(400, f"seconds: {error}") from None
        self.write_json(self._board.history(seconds, self.get_query_arguments("substation_id")))
