"""A console as a real process without a grid, its people, and requests of which every header is chosen."""

import http.client
import os
import sqlite3
import ssl
import sys
import time
import urllib.parse
from pathlib import Path
from typing import NamedTuple

from argon2 import PasswordHasher, profiles

from admin_ui.people.document import People, encode
from admin_ui.people.file import path
from admin_ui.web.logins import Person, Role
from tests.support import template
from tests.support.ports import free_port

ROOT = Path(__file__).parents[2]
HUNG_S = 30.0
INHERITED = ("PATH", "HOME", "LANG", "SSL_CERT_FILE")  # the last one saves 0.1 s: see tests/conftest.py
PASSWORD = "correct horse battery"
CHEAP = PasswordHasher.from_parameters(profiles.CHEAPEST).hash(PASSWORD)  # its parameters are in the hash
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


class Answer(NamedTuple):
    """The answer to a request."""

    status: int
    headers: http.client.HTTPMessage
    content: bytes

    @property
    def body(self) -> str:
        """The text of the answer."""
        return self.content.decode()


class Console:
    """`python -m admin_ui` on a port and with people of its own; ended by `stop`."""

    def __init__(
        self,
        data: Path,
        environ: dict[str, str] | None = None,
        *,
        keep_people: bool = False,
        program: tuple[str, ...] = ("-m", "admin_ui"),
    ) -> None:
        environ = environ or {}
        self.data = data
        self.port = int(environ.get("CONSOLE_PORT", 0)) or free_port()
        self.tls = "CONSOLE_TLS_CERT" in environ
        if not keep_people:
            people(data, ann=Role.OPERATOR, vic=Role.VIEWER, ada=Role.ADMINISTRATOR)
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        nowhere = f"http://127.0.0.1:{free_port()}"
        settings = {
            "CONSOLE_PORT": str(self.port),
            "DATA_DIR": str(data),
            "BALANCER_URL": nowhere,
            "GATEWAY_URL": nowhere,
        }
        self._log = (data / "stderr.txt").open("wb")
        self.process = template.popen(
            [sys.executable, *program], cwd=ROOT, env=inherited | settings | environ, stderr=self._log
        )

    def serves(self) -> "Console":
        """Wait until it answers."""
        until_s = time.monotonic() + HUNG_S
        while self.process.poll() is None and time.monotonic() < until_s:
            try:
                self.ask("GET", "/livez")
            except OSError:
                time.sleep(0.02)
            else:
                return self
        raise AssertionError(self.said())

    def said(self) -> str:
        return (self.data / "stderr.txt").read_text()

    def stop(self) -> int:
        self.process.terminate()
        code = self.process.wait(HUNG_S)
        self._log.close()
        return code

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, body: str = "") -> Answer:
        """Send one request with these headers; `Host: ""` leaves it out and speaks HTTP/1.0."""
        sent = {"Host": f"127.0.0.1:{self.port}"} | (headers or {})
        link: http.client.HTTPConnection
        if self.tls:
            context = ssl._create_unverified_context()
            link = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=HUNG_S, context=context)
        else:
            link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=HUNG_S)
        if not sent["Host"]:
            del sent["Host"]
            link._http_vsn, link._http_vsn_str = 10, "HTTP/1.0"  # type: ignore[attr-defined]
        try:
            link.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in {**sent, "Content-Length": str(len(body.encode()))}.items():
                link.putheader(name, value)
            link.endheaders(body.encode())
            answer = link.getresponse()
            content = b"" if answer.status == 101 else answer.read()
            return Answer(answer.status, answer.headers, content)
        finally:
            link.close()

    def post(self, path: str, headers: dict[str, str] | None = None, **fields: str) -> Answer:
        """Send a form."""
        return self.ask("POST", path, FORM | (headers or {}), urllib.parse.urlencode(fields))

    def log_in(self, name: str, password: str = PASSWORD) -> dict[str, str]:
        """Log in; returns the header with the cookies."""
        return cookie(self.post("/login", name=name, password=password))

    def follow(self, link: str, name: str = "") -> Answer:
        """Press the button that a one-time link leads to; `name` is what is entered where somebody else is logged in."""
        return self.post("/enter", token=link.partition("token=")[2], name=name)


def cookie(answer: Answer) -> dict[str, str]:
    """Return what the browser sends from now on."""
    given = [each.partition(";")[0] for each in answer.headers.get_all("Set-Cookie") or ()]
    assert any(each.startswith("__Host-console-") for each in given), answer
    return {"Cookie": "; ".join(given)}


def people(data: Path, **roles: Role) -> None:
    """Write a file of people who all have the same password."""
    file = path(data)
    file.parent.mkdir(parents=True, exist_ok=True)
    listed = People({name: Person(name, role, CHEAP) for name, role in roles.items()}, "the test")
    new = file.with_suffix(".test")
    new.write_text(encode(listed))
    new.replace(file)


def audited(data: Path) -> list[tuple[str, str, str]]:
    """Return (who, action, outcome) of every entry; only when the console has stopped."""
    database = sqlite3.connect(data / "admin_ui" / "audit.sqlite")
    rows = database.execute("SELECT who, action, coalesce(outcome, '') FROM entry ORDER BY number").fetchall()
    database.close()
    return rows
