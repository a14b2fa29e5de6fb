"""Makes every secret of the composition once, its certificates when they are due, and prints how to log in.

`docker compose up` runs it first. Existing files are kept, so a second `up` changes no password. The console's link is
created anew each time, for it is used up by the first who follows it. Certificates are renewed when a third of their
time is left, and used without a restart.

Each service gets what it needs on a volume of its own. Earlier versions had all secrets on one volume that every service
could read, and the folder of the runs on that of the console: what they left is moved.
"""

import datetime as dt
import os
import secrets
import shutil
import sys
from pathlib import Path

from admin_ui.people import one_time_link
from deploy.certificates.folder import LOCAL, Wanted, fill
from gateway.callers import digest
from runtime.operator_token import OperatorToken
from runtime.settings import integer
from runtime.tls.identity import Role

DATA, RUNS, SECRETS, GIVEN, TLS = Path("/data"), Path("/runs"), Path("/secrets"), Path("/given"), Path("/tls")
# The folders below GIVEN and TLS, each on a volume of its own.
FOR_BALANCER, FOR_DATABASE, FOR_GATEWAY = "/given/balancer", "/given/database", "/given/gateway"
FOR_GRAFANA, FOR_SUBSTATIONS = "/given/grafana", "/given/substations"
AUTHORITY, BALANCER, GATEWAY = "/tls/authority", "/tls/balancer", "/tls/gateway"
CONSOLE, OPERATOR = "/tls/console", "/tls/operator"
PROMETHEUS, SUBSTATIONS = "/tls/prometheus", "/tls/substations"
MOST_SUBSTATIONS = 10_000
SHUT, READABLE = 0o400, 0o444  # Grafana, Prometheus and the database run under ids of their own


def main() -> None:
    """Make what is missing and print the ways in."""
    host = os.environ.get("PUBLISH_ADDRESS") or "127.0.0.1"
    published = (
        f"http://{host}:{os.environ.get('CONSOLE_PORT') or '8080'}{os.environ.get('CONSOLE_PATH') or ''}"
    )
    console = os.environ.get("CONSOLE_URL") or published
    grafana = f"http://{host}:{os.environ.get('GRAFANA_PORT') or '3000'}"
    key = kept(SECRETS / "api-key", secrets.token_urlsafe(32), SHUT)
    password = given(FOR_GRAFANA, "grafana-admin-password", secrets.token_urlsafe(18), READABLE)
    given(FOR_GATEWAY, "api-keys.txt", f"operator {digest(key)} operator\n", SHUT)
    known = given(FOR_DATABASE, "database-password", secrets.token_urlsafe(32), READABLE)
    written(Path(FOR_BALANCER, "database-password"), known, SHUT)
    make_certificates(host)
    make_token()
    move_runs()
    sys.stdout.write(f"""
The grid's ways in, once all services are healthy:

  the console   {one_time_link.url(DATA, console)}
                a new link: docker compose exec admin_ui python -m admin_ui.people link
  Grafana       {grafana} (admin, {password})
  an API key    {key}
                asked for when API_KEYS=/secrets/api-keys.txt is set

""")


def make_certificates(host: str) -> None:
    """Make the authority and the certificates, where they are missing or expire soon."""
    text = os.environ.get("SUBSTATION_CERTIFICATES") or "32"
    try:
        count = integer(1, MOST_SUBSTATIONS)(text)
    except ValueError as error:
        sys.exit(f"SUBSTATION_CERTIFICATES={text!r} can't be used: {error}")
    names = [each.strip() for each in (os.environ.get("ALLOWED_HOSTS") or "").split(",")]
    wanted = Wanted(
        [f"substation-{number}" for number in range(1, count + 1)],
        (*LOCAL, *filter(None, dict.fromkeys([host, *names]))),
        readable={Role.PROMETHEUS: READABLE},  # on a volume that nobody else has
    )
    try:
        fill(TLS, wanted, dt.datetime.now(dt.UTC))
    except (OSError, ValueError) as error:
        sys.exit(f"the certificates can't be made: {error}")


def make_token() -> None:
    """Make the operator token: for the console and the load test. Who only checks it gets its digest."""
    former = SECRETS / "operator-token"  # where all services had it before they had certificates
    places = [Path(folder, "operator-token") for folder in (CONSOLE, OPERATOR)]
    known = [path.read_text(encoding="ascii") for path in (*places, former) if path.exists()]
    token = next(filter(None, known), "") or secrets.token_urlsafe(32)
    for path in places:  # one of the volumes may have been removed
        written(path, token, SHUT)
    for folder in (FOR_BALANCER, FOR_SUBSTATIONS):
        written(Path(folder, "operator-token.sha256"), OperatorToken(token).digest, SHUT)
    for path in (former, SECRETS / "operator-token.sha256"):
        path.unlink(missing_ok=True)


def move_runs() -> None:
    """Move the runs that an earlier version kept among the data of the console, which the load test need not see."""
    for folder in (DATA / "runs").glob("*"):
        if not (RUNS / folder.name).exists():
            shutil.move(folder, RUNS / folder.name)


def given(folder: str, name: str, new: str, mode: int) -> str:
    """Return what the file of one service holds; create it as an earlier version left it for all, or else with `new`."""
    former = SECRETS / name
    text = former.read_text(encoding="ascii") if former.exists() else ""
    found = kept(Path(folder, name), text or new, mode)
    former.unlink(missing_ok=True)
    return found


def kept(path: Path, new: str, mode: int) -> str:
    """Return what a file holds; create it with `new` if it does not exist or is empty."""
    if not path.exists() or not path.stat().st_size:
        written(path, new, mode)
    return path.read_text(encoding="ascii")


def written(path: Path, text: str, mode: int) -> None:
    """Write a file as a whole, unless it has this text: an interrupted start must not leave half a secret."""
    if path.exists() and path.read_text(encoding="ascii") == text:
        return
    partial = path.with_name(f".{path.name}.new")
    partial.unlink(missing_ok=True)
    with os.fdopen(
        os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="ascii"
    ) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


if __name__ == "__main__":
    main()
