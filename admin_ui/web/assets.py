"""The static files: scripts, styles and pictures.

All lie under one address that holds the hash of all their contents. What is there never changes, so browsers keep it and
do not ask again. Scripts name each other by relative addresses, and so stay under that address. The same files are at
`/static/` without the hash, where browsers ask each time.

They are compressed, because they hold no secret.
"""

import functools
import gzip
import hashlib
import posixpath
import re
from pathlib import Path

from admin_ui.web.compression import takes_gzip
from runtime.handlers import ApiHandler
from runtime.problem import NOT_FOUND

KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
IMPORT = re.compile(r'^import [^"]*"(\.[^"]+)";$', re.MULTILINE)
KEEP = "public, max-age=31536000, immutable"
ASK = "no-cache"  # keep it, but ask before each use whether it has changed


class Asset:
    """One file."""

    def __init__(self, content: bytes, kind: str) -> None:
        self.content = content
        self.type = f"{kind}; charset=utf-8"
        self.digest = hashlib.sha256(content).hexdigest()[:16]

    @functools.cached_property
    def compressed(self) -> bytes | None:
        """The file as gzip writes it, made when it is first asked for; None when that is not shorter."""
        packed = gzip.compress(self.content, mtime=0)
        return packed if len(packed) < len(self.content) else None


class Assets:
    """All files of a folder, read once, by their paths in it; `address` is where they never change, for browsers.

    `base` is the path below which browsers see the console.
    """

    def __init__(self, folder: Path, base: str = "") -> None:
        found = sorted(path for path in folder.rglob("*") if path.is_file())
        self._files = {
            path.relative_to(folder).as_posix(): Asset(
                path.read_bytes(), KINDS.get(path.suffix, "text/plain")
            )
            for path in found
        }
        names = "".join(f"{path} {asset.digest}\n" for path, asset in self._files.items())
        self._version = hashlib.sha256(names.encode()).hexdigest()[:8]
        self.address = f"{base}/static/{self._version}"

    def find(self, path: str) -> tuple[Asset | None, bool]:
        """Return the file at a path below `/static/`, None if there is none, and whether it never changes there."""
        version, _, rest = path.partition("/")
        never_changes = version == self._version
        return self._files.get(rest if never_changes else path), never_changes

    @functools.cache  # noqa: B019 - the console has one object of this class, for as long as it runs
    def scripts(self, *paths: str) -> list[str]:
        """Return the addresses of some scripts and of all that they import, directly or through others.

        A browser that knows them asks for all at once. Else it would find each only when it has read the one before.
        """
        found, new = set(paths), list(paths)
        while new:
            script = new.pop()
            text = self._files[script].content.decode()
            imported = {
                posixpath.normpath(f"{posixpath.dirname(script)}/{each}") for each in IMPORT.findall(text)
            }
            new += imported - found
            found |= imported
        return [f"{self.address}/{each}" for each in sorted(found)]


class AssetHandler(ApiHandler):
    """`GET /static/...`."""

    _etag: str | None = None

    def initialize(self, assets: Assets) -> None:  # type: ignore[override]
        """`assets` are the files."""
        super().initialize()
        self._assets = assets

    def get(self, path: str) -> None:
        """Write a file, compressed for a client that takes it; 404 for a path without one."""
        asset, never_changes = self._assets.find(path)
        if not asset:
            self.write_problem(NOT_FOUND)
            return
        self.set_header("Content-Type", asset.type)
        self.set_header("Cache-Control", KEEP if never_changes else ASK)
        self.set_header("Vary", "Accept-Encoding")
        body, self._etag = asset.content, f'"{asset.digest}"'
        if asset.compressed and takes_gzip(self.request.headers.get("Accept-Encoding", "")):
            body, self._etag = asset.compressed, f'"{asset.digest}-gzip"'
            self.set_header("Content-Encoding", "gzip")
        self.finish(body)

    def compute_etag(self) -> str | None:
        """Return the hash of what is sent; Tornado answers 304 to a client that has it."""
        return self._etag
