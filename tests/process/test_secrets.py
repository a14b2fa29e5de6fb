"""Secrets come from files only: no log, no page and no command line of a running grid has one of them."""

import contextlib
import secrets
import urllib.error
import urllib.request
from collections.abc import Iterator
from hashlib import sha256
from http.client import HTTPResponse
from pathlib import Path

import pytest

from tests.support.console import FORM
from tests.support.grid import LIMIT_S, Grid, text, until

PAGES = ("/metrics", "/livez", "/readyz")
OWN_PAGES = ("/fleet", "/policy", "/rushhour", "/openapi.json", "/nothing")
JSON = {"Content-Type": "application/json"}


class SecretGrid(Grid):
    """A grid with marked secrets: tokens, API keys, a client secret, a password and a link."""

    def __init__(self, folder: Path) -> None:
        kinds = ("operator token", "API key", "key of the console", "secret of the webhook", "client secret")
        self.secrets = {kind: f"marked-{secrets.token_hex(16)}" for kind in kinds}
        files = {kind: folder / kind.replace(" ", "-") for kind in kinds}
        for kind, path in files.items():
            path.write_text(self.secrets[kind] + "\n")
        keys = [("acme", "API key", ""), ("console", "key of the console", " operator")]
        (folder / "keys").write_text(
            "".join(f"{name} {digest(self.secrets[kind])}{more}\n" for name, kind, more in keys)
        )
        super().__init__(
            folder / "data",
            OPERATOR_TOKEN_FILE=str(files["operator token"]),
            API_KEYS=str(folder / "keys"),
            GATEWAY_API_KEY_FILE=str(files["key of the console"]),
            OIDC_ISSUER="https://127.0.0.1:1",
            OIDC_CLIENT_ID="console",
            OIDC_CLIENT_SECRET_FILE=str(files["client secret"]),
            OIDC_ROLES="staff=viewer",
            LOG_LEVEL="debug",
        )

    def ask(self, url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
        """Return the answer with its headers, whatever its status."""
        request = urllib.request.Request(url, body, headers or {})
        try:
            answer: HTTPResponse = urllib.request.urlopen(request, timeout=LIMIT_S)
        except urllib.error.HTTPError as error:
            with error:
                return str(error.headers).encode() + error.read()
        with answer:
            return answer.read()


def digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecretGrid]:
    made = SecretGrid(tmp_path_factory.mktemp("secrets"))
    made.start()
    yield made
    assert made.stop() == 0


def use(grid: SecretGrid) -> list[bytes]:
    """Use every secret rightly and wrongly; returns all answers."""
    bearer = {kind: {"Authorization": f"Bearer {secret}"} for kind, secret in grid.secrets.items()}
    car, answers = b'{"vehicle_id": "EV-1"}', []
    for headers in bearer.values():
        answers.append(grid.ask(f"{grid.gateway}/charge", car, JSON | headers))
        answers.append(grid.ask(f"{grid.balancer}/fleet/substation-1/drain", b"{}", JSON | headers))
        answers.append(grid.ask(f"{grid.substations[0]}/sessions", None, headers))
        answers.append(grid.ask(f"{grid.gateway}/charge?key={headers['Authorization'][7:]}", None, {}))
    token = grid.link().partition("token=")[2]
    grid.secrets |= {"one-time link": token, "password": f"marked-{secrets.token_hex(16)}"}
    login = f"name=ann&password={grid.secrets['password']}".encode()
    answers.append(grid.ask(f"{grid.console}/login", login, FORM | {"Origin": grid.console}))
    answers.append(
        grid.ask(f"{grid.console}/enter", f"token={token}".encode(), FORM | {"Origin": grid.console})
    )
    answers.append(grid.ask(f"{grid.console}/sso"))
    bases = (grid.gateway, grid.balancer, grid.console, *grid.substations)
    answers += [grid.ask(base + page) for base in bases for page in (*PAGES, *OWN_PAGES)]
    return answers


def shown_by_processes(grid: SecretGrid) -> dict[str, bytes]:
    """Return the command line and the environment of every process of the grid."""
    found = {}
    for pid in grid.pids(""):
        for name in ("cmdline", "environ"):
            with contextlib.suppress(OSError):
                found[f"{pid} {name}"] = Path(f"/proc/{pid}/{name}").read_bytes()
    return found


def test_no_secret_is_in_a_log_an_answer_a_command_line_or_an_environment(grid: SecretGrid) -> None:
    answers = {f"answer {number}": body for number, body in enumerate(use(grid))}
    until(lambda: "LoginHandler" in text_of_logs(grid))
    logs = {path.name: path.read_bytes() for path in (grid.data / "log").glob("*")}
    processes = shown_by_processes(grid)
    assert len(logs) >= 6
    assert len(processes) >= 2 * 6
    assert b"drain" in b"".join(answers.values()) + b"".join(logs.values())  # the grid was used
    places = answers | logs | processes | {"printed": grid.printed.encode()}
    leaks = [
        (kind, place)
        for kind, secret in grid.secrets.items()
        for place, content in places.items()
        if secret.encode() in content and (kind, place) != ("one-time link", "printed")
    ]
    assert leaks == []


def text_of_logs(grid: SecretGrid) -> str:
    return "".join(path.read_text() for path in (grid.data / "log").glob("*.log"))


def test_the_metrics_have_no_vehicle(grid: SecretGrid) -> None:
    for base in (grid.gateway, grid.balancer, *grid.substations):
        assert "EV-1" not in text(f"{base}/metrics")
