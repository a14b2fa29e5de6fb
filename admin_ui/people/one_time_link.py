"""The one-time links that log in on this machine, and the address of the console, for making more links.

Each link has its own file, which only the owner of the data can read. The name of the file is the hash of the
link's token. The program that starts the console creates the file and prints the link; the console removes the file
when the link is used. An unused link expires after an hour, so that one found in a log the next day is useless.
"""

import hashlib
import os
import secrets
import sys
from pathlib import Path

from runtime.probe import fetch

FOLDER, ADDRESS = "login-links", "address"
LASTS_S = 3600.0
MOST = 20  # unused links; the oldest beyond them are removed
NO_CONSOLE = """No console runs on the data in {data}.
Start one with `make run`, or name its data folder: make console-link DATA_DIR=/the/folder
"""


def folder(data: Path) -> Path:
    """Return the folder of the links in a data folder."""
    return data / "admin_ui" / FOLDER


def create(data: Path) -> str:
    """Create a link and return its token; earlier links stay valid."""
    token = secrets.token_urlsafe(24)
    folder(data).mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(_file(data, token), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    for old in sorted(folder(data).iterdir(), key=lambda file: file.stat().st_mtime)[:-MOST]:
        old.unlink(missing_ok=True)
    return token


def url(data: Path, console_url: str) -> str:
    """Create a one-time link to a console, and return its URL."""
    return f"{console_url}/enter?token={create(data)}"


def use(data: Path, token: str, now_unix_s: float) -> bool:
    """Use a link; returns whether it was valid. It is not valid a second time."""
    file = _file(data, token)
    try:
        age_s = now_unix_s - file.stat().st_mtime
        file.unlink()  # of two simultaneous uses, one finds it gone
    except OSError:
        return False
    return age_s <= LASTS_S


def valid(data: Path, token: str, now_unix_s: float) -> bool:
    """Whether `use` would take `token`."""
    try:
        return now_unix_s - _file(data, token).stat().st_mtime <= LASTS_S
    except OSError:
        return False


def announce(data: Path, here_url: str, browsers_url: str) -> None:
    """Save the URLs of the console of a data folder: for this machine or container, and for browsers."""
    (data / "admin_ui").mkdir(parents=True, exist_ok=True)
    (data / "admin_ui" / ADDRESS).write_text(f"{here_url}\n{browsers_url}\n", encoding="utf-8")


def browsers_url(data: Path) -> str:
    """Return the URL of the console of a data folder in browsers; '' when none was started on it."""
    try:
        return (data / "admin_ui" / ADDRESS).read_text(encoding="utf-8").split()[-1]
    except (OSError, ValueError, IndexError):
        return ""


def print_link(data: Path) -> int:
    """Print a new link to the console that runs on `data`; returns 1 when there is none."""
    try:
        here_url, browsers_url = (data / "admin_ui" / ADDRESS).read_text(encoding="utf-8").split()
        fetch(f"{here_url}/livez")
    except (OSError, ValueError):
        sys.stderr.write(NO_CONSOLE.format(data=data.absolute()))
        return 1
    sys.stdout.write(f"{url(data, browsers_url)}\n")
    return 0


def _file(data: Path, token: str) -> Path:
    return folder(data) / hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
