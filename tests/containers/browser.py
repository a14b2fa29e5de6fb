"""Acts as a browser at the console: follows the link or fills in the form, keeps the cookie, and sends requests.

urllib's own jar holds a `__Host-` cookie back on http, where browsers trust loopback.
"""

import http.client
import json
from typing import Any
from urllib.parse import urlencode, urlsplit

HUNG_S = 60.0
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


class Browser:
    """Somebody who is logged in at the console: by a link, or at `/login` with a form that is filled in."""

    def __init__(self, console: str, link: str, **form: str) -> None:
        self._console = console
        self._cookie = ""
        at, _, token = link.partition("?token=")
        answered = self._send("POST", at, urlencode(form or {"token": token, "name": "olga"}), FORM)
        self._cookie = answered[1].partition(";")[0]
        assert self._cookie, f"{link} does not log in"

    def asked(self, path: str, body: dict[str, Any] | None = None) -> str:
        """Return what the console answers with success; with a body it is a POST."""
        return self._send("POST" if body else "GET", path, json.dumps(body) if body else "", JSON)[0]

    def _send(self, method: str, path: str, body: str, kind: str) -> tuple[str, str]:
        link = http.client.HTTPConnection(urlsplit(self._console).netloc, timeout=HUNG_S)
        try:
            headers = {"Content-Type": kind, "Origin": self._console, "Cookie": self._cookie}
            link.request(method, path, body or None, headers)
            answer = link.getresponse()
            text = answer.read().decode()
            assert answer.status < 400, f"{method} {path}: {answer.status} {text}"
            return text, answer.getheader("Set-Cookie", "")
        finally:
            link.close()

    def rush_hour(self, requests: int, seconds: float) -> str:
        """Press the button; returns the run's id."""
        wish = {"preset": "rush-hour", "seed": 2, "requests": requests, "seconds": seconds}
        return str(json.loads(self.asked("/api/rush", wish))["run_id"])

    def run(self, run_id: str) -> dict[str, Any]:
        """Return what the console shows of a run; without an end it is not yet there."""
        runs: list[dict[str, Any]] = json.loads(self.asked("/api/runs"))["runs"]
        return next((each for each in runs if each["run_id"] == run_id), {"verdict": "no end"})
