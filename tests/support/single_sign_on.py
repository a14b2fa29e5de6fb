"""A provider process with a console that trusts it, and the steps of a login without a browser."""

import contextlib
import html
import http.client
import json
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.console import FORM, ROOT, Answer, Console
from tests.support.grid import LIMIT_S, until
from tests.support.ports import free_port

CLIENT, SECRET = (
    "grid:console",
    "a secret of: some /length+100%25",
)  # sent as a form has them: RFC 6749, 2.3.1

HONEST: dict[str, Any] = {  # how a provider answers that nobody has told otherwise
    "claims": {},
    "by_wrong_key": False,
    "groups": ["grid-ops"],
    "in_pieces": False,
    "other_keys": [],
    "userinfo": {},
    "endpoints": {"userinfo_endpoint": "/userinfo", "end_session_endpoint": "/end"},
}


class Provider:
    """`tests.support.openid_provider` at `url`."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.support.openid_provider", str(self.port), CLIENT, SECRET]
        self.process = subprocess.Popen(command, cwd=ROOT)
        until(self._answers)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(LIMIT_S)

    def control(self, **wanted: Any) -> dict[str, int]:
        """Change how it answers; returns how often it was asked for its configuration and keys."""
        found: dict[str, int] = json.loads(self.send("POST", "/control", json.dumps(wanted)).body)
        return found

    def sign_in(self, authorize: str, name: str) -> str:
        """Sign in at the form that a console has led to; returns where the form leads."""
        answer = self.send("POST", authorize.removeprefix(self.url), urllib.parse.urlencode({"name": name}))
        assert answer.status == 302, answer
        return str(answer.headers["Location"])

    def send(self, method: str, path: str, body: str = "") -> Answer:
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        with contextlib.closing(link):
            link.request(method, path, body, FORM if body else {})
            answer = link.getresponse()
            return Answer(answer.status, answer.headers, answer.read())

    def _answers(self) -> bool:
        try:
            return self.send("GET", "/keys").status == 200
        except OSError:
            return False


@contextlib.contextmanager
def provider() -> Iterator[Provider]:
    """A provider for as long as the context lasts."""
    made = Provider()
    try:
        yield made
    finally:
        made.stop()


def settings(data: Path, issuer: str, **more: str) -> dict[str, str]:
    """Return the environment of a console that trusts a provider."""
    secret = data / "client-secret"
    secret.write_text(f"{SECRET}\n")
    return {
        "OIDC_ISSUER": issuer,
        "OIDC_CLIENT_ID": CLIENT,
        "OIDC_CLIENT_SECRET_FILE": str(secret),
        "OIDC_ROLES": "grid-ops=operator, grid-admins=administrator, staff=viewer",
    } | more


def browser_cookies(answer: Answer) -> dict[str, str]:
    """Return the header with the cookies that an answer has set."""
    given = [each.partition(";")[0] for each in answer.headers.get_all("Set-Cookie") or ()]
    return {"Cookie": "; ".join(each for each in given if not each.endswith('=""'))}


def begin(console: Console, **query: str) -> tuple[str, dict[str, str]]:
    """Begin a login; returns where the console leads to, and the browser's cookies."""
    answer = console.ask("GET", f"/sso?{urllib.parse.urlencode(query)}")
    assert answer.status == 302, answer
    return str(answer.headers["Location"]), browser_cookies(answer)


def path_of(url: str) -> str:
    """Return a URL without scheme and host."""
    parts = urllib.parse.urlsplit(url)
    return f"{parts.path}?{parts.query}"


def log_in(console: Console, provider: Provider, name: str, **query: str) -> Answer:
    """Go all the way; returns the answer of the console to what the provider has said."""
    to, cookies = begin(console, **query)
    return console.ask("GET", path_of(provider.sign_in(to, name)), cookies)


def me(console: Console, login: dict[str, str]) -> Any:
    """Return who is logged in, None for nobody."""
    answer = console.ask("GET", "/api/me", login)
    return json.loads(answer.body) if answer.status == 200 else None


def refused(answer: Answer, status: int, why: str) -> None:
    """The answer is a page that says why, and logs nobody in."""
    assert answer.status == status, answer
    assert why.lower() in html.unescape(answer.body).lower()
    assert not any(
        "__Host-console" in each and '=""' not in each for each in answer.headers.get_all("Set-Cookie") or ()
    )
