"""What the pages ask for beside the stream."""

from tornado.web import HTTPError, StaticFileHandler

from admin_ui.access import ConsoleHandler
from admin_ui.snapshot import HISTORY_S, Board
from runtime.settings import integer


class HistoryHandler(ConsoleHandler):
    """`GET /api/history?seconds=`: load and capacity of every substation, one value a second."""

    def setup(self, board: Board) -> None:  # type: ignore[override]
        """`board` keeps the history."""
        self._board = board

    def get(self) -> None:
        """Write columns."""
        try:
            seconds = integer(1, HISTORY_S)(self.get_query_argument("seconds", "60"))
        except ValueError as error:
            raise HTTPError(400, f"seconds: {error}") from None
        self.write_json(self._board.history(seconds))


class AssetHandler(StaticFileHandler):
    """Scripts, styles and pictures: kept by browsers only as long as they are the newest."""

    def set_extra_headers(self, path: str) -> None:  # noqa: ARG002 - Tornado's
        """Have browsers ask each time; an unchanged file is a 304."""
        self.set_header("Cache-Control", "no-cache")
