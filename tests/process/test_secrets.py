"""Secrets come from files only: no log, no page and no command line of a running grid has one of them."""

import base64
import contextlib
import http.client
import os
import secrets
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from hashlib import sha256
from http.client import HTTPResponse
from pathlib import Path

import pytest

from tests.support import template
from tests.support.console import FORM, INHERITED
from tests.support.grid import LIMIT_S, ROOT, Grid, text, until
from tests.support.ports import free_port

PAGES = ("/metrics", "/livez", "/readyz")
OWN_PAGES = ("/fleet", "/policy", "/rushhour", "/openapi.json", "/nothing")
PEOPLES_PAGES = ("/", "/decisions", "/sessions", "/audit", "/api/alarms", "/people")
MARKED = 16  # characters, from which on a value is found in nothing by chance
JSON = {"Content-Type": "application/json"}


class SecretGrid(Grid):
    """A grid with marked secrets: tokens, API keys, secrets of a client and of the webhook, a password, a link, a login."""

    def __init__(self, folder: Path) -> None:
        kinds = ("operator token", "API key", "key of the console", "client secret")
        self.secrets = {kind: f"marked-{secrets.token_hex(16)}" for kind in kinds}
        self.secrets["secret of the webhook"] = base64.b64encode(secrets.token_bytes(32)).decode()
        files = {kind: folder / kind.replace(" ", "-") for kind in self.secrets}
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
            ALARM_WEBHOOK_URL="http://127.0.0.1:1/",
            ALARM_WEBHOOK_SECRET_FILE=str(files["secret of the webhook"]),
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
    cookies = entered(grid, token)
    grid.secrets |= {f"cookie {name[:12]}": value for name, value in cookies.items()}
    cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    answers += [grid.ask(f"{grid.console}{page}", None, cookie) for page in PEOPLES_PAGES]
    assert b"local administrator" in answers[-1]  # the login was used
    answers.append(grid.ask(f"{grid.console}/api/nothing", None, {"Cookie": cookie["Cookie"] + "wrong"}))
    answers.append(grid.ask(f"{grid.console}/sso"))
    bases = (grid.gateway, grid.balancer, grid.console, *grid.substations)
    answers += [grid.ask(base + page) for base in bases for page in (*PAGES, *OWN_PAGES)]
    return answers


def entered(grid: SecretGrid, token: str) -> dict[str, str]:
    """Follow the one-time link; returns the cookies of the login."""
    link = http.client.HTTPConnection(grid.console.partition("://")[2], timeout=LIMIT_S)
    try:
        link.request("POST", "/enter", f"token={token}", FORM | {"Origin": grid.console})
        given = link.getresponse().headers.get_all("Set-Cookie") or []
    finally:
        link.close()
    cookies = dict(each.partition(";")[0].split("=", 1) for each in given)
    assert any(len(value) >= MARKED for value in cookies.values())
    return {name: value for name, value in cookies.items() if len(value) >= MARKED}


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


def test_the_password_of_the_database_is_in_no_log_no_page_and_no_process(tmp_path: Path) -> None:
    """A balancer whose database is away says so again and again, and to everybody."""
    password, port = f"marked-{secrets.token_hex(16)}", free_port()
    file = tmp_path / "password"
    file.write_text(password + "\n")
    environment = {
        "DATA_DIR": str(tmp_path / "data"),
        "ORDER_BOOK": f"postgresql://grid@127.0.0.1:{free_port()}/grid?sslmode=disable",
        "ORDER_BOOK_PASSWORD_FILE": str(file),
        "SUBSTATIONS": f"http://127.0.0.1:{free_port()}",
        "BALANCER_PORT": str(port),
        "BALANCER_STREAM_PORT": "0",
        "LOG_LEVEL": "debug",
    }
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    log, base = tmp_path / "log", f"http://127.0.0.1:{port}"
    with (
        log.open("wb") as written,
        template.popen(
            [sys.executable, "-m", "balancer"],
            cwd=ROOT,
            env=inherited | environment,
            stdout=written,
            stderr=written,
        ) as process,
    ):
        try:
            until(lambda: b"order book" in _body(f"{base}/readyz"))
            places = {page: _body(base + page) for page in (*PAGES, *OWN_PAGES)}
            for name in ("cmdline", "environ"):
                places[name] = Path(f"/proc/{process.pid}/{name}").read_bytes()
        finally:
            process.terminate()
            ended = _ended(process)
    assert ended == 0  # it ends although it waits for its database
    places["log"] = log.read_bytes()
    assert b"waiting for the order book" in places["log"]
    assert str(file).encode() in places["environ"]
    assert [place for place, content in places.items() if password.encode() in content] == []


def _ended(process: "subprocess.Popen[bytes]") -> int:
    """Wait for the end of a process that was asked to end; kills it when it does not."""
    try:
        return process.wait(LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def _body(url: str) -> bytes:
    """Return the body of an answer, whatever its status; nothing without an answer."""
    try:
        with urllib.request.urlopen(url, timeout=LIMIT_S) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.read()
    except OSError:
        return b""
