"""The one-time link that logs in on this machine: a token in a file that only its owner can read.

Whoever starts the console writes the file and prints the link; the console takes the file away when
the link is used. A link that nobody used ends after an hour: long enough for the coffee after `make run`,
too short for one that is found in a log tomorrow.
"""

import hmac
import os
import secrets
from pathlib import Path

NAME = "login-link"
LASTS_S = 3600.0


def path(data: Path) -> Path:
    """Return where the token lies in a data folder."""
    return data / "admin_ui" / NAME


def make(data: Path) -> str:
    """Write a new token, in place of any before; returns it."""
    token = secrets.token_urlsafe(24)
    file = path(data)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(token)
    return token


def url(data: Path, console_url: str) -> str:
    """Return a new one-time link to a console."""
    return f"{console_url}/enter?token={make(data)}"


def use(data: Path, token: str, now_unix_s: float) -> bool:
    """Whether `token` is the one in the file and still lasts; it is then used up."""
    try:
        kept = path(data).read_text(encoding="ascii")
        age_s = now_unix_s - path(data).stat().st_mtime
    except (OSError, ValueError):
        return False
    if not kept or age_s > LASTS_S or not hmac.compare_digest(kept.encode(), token.encode()):
        return False
    path(data).unlink(missing_ok=True)
    return True


if __name__ == "__main__":
    folder, port = os.environ.get("DATA_DIR") or "data", os.environ.get("CONSOLE_PORT") or "8080"
    scheme = "https" if os.environ.get("CONSOLE_TLS_CERT") else "http"
    print(url(Path(folder), f"{scheme}://127.0.0.1:{port}"))  # noqa: T201 - for a person
