"""What the pages ask for beside the stream."""

from tornado.web import HTTPError, StaticFileHandler

from admin_ui.access import ConsoleHandler
from admin_ui.history import HISTORY_S
from admin_ui.snapshot import Board
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


class AssetHandler(StaticFileHandler):
    """Scripts, styles and pictures: kept by browsers only as long as they are the newest."""

    async def get(self, path: str, include_body: bool = True) -> None:  # noqa: FBT001, FBT002 - Tornado's
        """Write the file; 404 for a path that can't be a file name."""
        try:
            await super().get(path, include_body)
        except (ValueError, OSError):
            raise HTTPError(404) from None

    def set_extra_headers(self, path: str) -> None:  # noqa: ARG002 - Tornado's
        """Have browsers ask each time; an unchanged file is a 304."""
        self.set_header("Cache-Control", "no-cache")
