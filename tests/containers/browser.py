"""What a browser does at the console: follow the link, keep the cookie, ask.

urllib's own jar holds a `__Host-` cookie back on http, where browsers trust loopback.
"""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

HUNG_S = 60.0


class Browser:
    """Somebody who has followed a link to the console."""

    def __init__(self, console: str, link: str) -> None:
        self._console = console
        self._cookie = ""
        self._cookie = self._send("GET", link, None)[1].partition(";")[0]
        assert self._cookie, "the link does not log in"

    def asked(self, path: str, body: dict[str, Any] | None = None) -> str:
        """Return what the console answers with success; with a body it is a POST."""
        return self._send("POST" if body else "GET", path, body)[0]

    def _send(self, method: str, path: str, body: dict[str, Any] | None) -> tuple[str, str]:
        link = http.client.HTTPConnection(urlsplit(self._console).netloc, timeout=HUNG_S)
        try:
            headers = {"Content-Type": "application/json", "Origin": self._console, "Cookie": self._cookie}
            link.request(method, path, json.dumps(body) if body else None, headers)
            answer = link.getresponse()
            text = answer.read().decode()
            assert answer.status < 400, f"{method} {path}: {answer.status} {text}"
            return text, answer.getheader("Set-Cookie", "")
        finally:
            link.close()
