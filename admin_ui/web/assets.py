"""The static files: scripts, styles and pictures."""

from tornado.web import HTTPError, StaticFileHandler


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
