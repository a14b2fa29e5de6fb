"""The real Prometheus and Alertmanager, asked over their APIs, and a receiver of alerts."""

import http.server
import json
import shutil
import subprocess
import threading
import urllib.error
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.support.grid import ROOT, get, status, until
from tests.support.ports import free_port

RULES = ROOT / "monitoring" / "prometheus" / "rules"
ALERTMANAGER = ROOT / "monitoring" / "alertmanager" / "alertmanager.yml"
PROGRAMS = ("prometheus", "promtool", "prometheus-alertmanager", "amtool")
LACKING = [name for name in PROGRAMS if not shutil.which(name)]


def rules() -> list[dict[str, Any]]:
    """Return every rule of every group."""
    files = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(RULES.glob("*.yml"))]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


class Prometheus:
    """One Prometheus at a base URL."""

    def __init__(self, url: str) -> None:
        self.url = url

    def query(self, expression: str, at_unix_s: float | None = None) -> list[dict[str, Any]]:
        """Return the samples of an expression, now or then."""
        asked = {"query": expression} | ({"time": f"{at_unix_s:.3f}"} if at_unix_s else {})
        return list(self._ask("query", asked))

    def range(self, expression: str, from_unix_s: float, until_unix_s: float) -> list[dict[str, Any]]:
        """Return the series of an expression over a time, one sample a second."""
        asked = {"query": expression, "start": from_unix_s, "end": until_unix_s, "step": "1"}
        return list(self._ask("query_range", {name: str(value) for name, value in asked.items()}))

    def by_substation(self, expression: str, at_unix_s: float) -> dict[str, float]:
        """Return the value of an expression for each substation."""
        found = self.query(f"max by (substation) ({expression})", at_unix_s)
        return {each["metric"]["substation"]: float(each["value"][1]) for each in found}

    def _ask(self, what: str, asked: dict[str, str]) -> Any:
        url = f"{self.url}/api/v1/{what}?{urllib.parse.urlencode(asked)}"
        try:
            return get(url)["data"]["result"]
        except urllib.error.HTTPError as error:
            raise AssertionError(asked, error.read().decode()) from error


class Receiver:
    """The notifications of Alertmanager: (status, labels) of every alert, in the order of coming."""

    def __init__(self) -> None:
        self.notifications: list[tuple[str, dict[str, str]]] = []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.notifications += [(alert["status"], alert["labels"]) for alert in body["alerts"]]
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def firing(self, name: str, **labels: str) -> bool:
        """Whether a notification said that an alert fires, with at least these labels."""
        wanted = labels | {"alertname": name}
        return any(
            state == "firing" and wanted.items() <= found.items() for state, found in self.notifications
        )

    def close(self) -> None:
        """Take no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def alertmanager(folder: Path, receiver: Receiver) -> Iterator[str]:
    """The real one with the real configuration, but for the receivers' addresses; yields `host:port`."""
    text = ALERTMANAGER.read_text(encoding="utf-8")
    text = text.replace("http://localhost:9094", receiver.url).replace(
        "group_interval: 30s", "group_interval: 1s"
    )
    folder.mkdir(parents=True)
    (folder / "alertmanager.yml").write_text(text, encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                "prometheus-alertmanager",
                f"--config.file={folder}/alertmanager.yml",
                f"--storage.path={folder}/data",
                f"--web.listen-address={address}",
                "--cluster.listen-address=",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        until(lambda: status(f"http://{address}/-/ready") == 200)
        yield address
    finally:
        process.terminate()
        process.wait(10)
