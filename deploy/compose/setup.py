"""Makes every secret of the composition once, and prints how to log in; `docker compose up` runs it first.

Existing files are kept, so a second `up` changes no password. The console's link is created anew each
time, for it is used up by the first who follows it.
"""

import os
import secrets
import sys
from pathlib import Path

from admin_ui.people import one_time_link
from gateway.callers import digest

DATA, SECRETS = Path("/data"), Path("/secrets")
SHUT, READABLE = 0o400, 0o444  # Grafana and the database run under ids of their own


def main() -> None:
    """Make what is missing and print the ways in."""
    host = os.environ.get("PUBLISH_ADDRESS") or "127.0.0.1"
    console = f"http://{host}:{os.environ.get('CONSOLE_PORT') or '8080'}"
    grafana = f"http://{host}:{os.environ.get('GRAFANA_PORT') or '3000'}"
    password = kept(SECRETS / "grafana-admin-password", secrets.token_urlsafe(18), READABLE)
    key = kept(SECRETS / "api-key", secrets.token_urlsafe(32), SHUT)
    kept(SECRETS / "database-password", secrets.token_urlsafe(32), READABLE)
    kept(SECRETS / "operator-token", secrets.token_urlsafe(32), SHUT)
    kept(SECRETS / "api-keys.txt", f"operator {digest(key)} operator\n", SHUT)
    sys.stdout.write(f"""
The grid's ways in, once all services are healthy:

  the console   {one_time_link.url(DATA, console)}
                a new link: docker compose exec admin_ui python -m admin_ui.people link
  Grafana       {grafana} (admin, {password})
  an API key    {key}
                asked for when API_KEYS=/secrets/api-keys.txt is set

""")


def kept(path: Path, new: str, mode: int) -> str:
    """Return what a file holds; create it with `new` if it does not exist."""
    if not path.exists():
        with os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="ascii"
        ) as file:
            file.write(new)
    return path.read_text(encoding="ascii")


if __name__ == "__main__":
    main()
