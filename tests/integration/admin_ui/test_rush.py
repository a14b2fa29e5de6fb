"""The rush hour of a console without a grid: roles, refusals and their words, and secrets that stay secret."""

import concurrent.futures
import http.server
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.console import JSON, Answer, Console
from tests.support.grid import until
from tests.unit.admin_ui.rush.test_runs_folder import NEW, OLD, leave

REPORT = "<!doctype html><title>r</title><style>p { color: red }</style><p>held</p><script>alert(1)</script>"


class Silent(http.server.BaseHTTPRequestHandler):
    """A gateway that takes its time, and is none."""

    def do_GET(self) -> None:
        time.sleep(0.5)
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root: Path = tmp_path_factory.mktemp("rush") / "runs"
    (leave(root, OLD) / "report.html").write_text(REPORT)
    (leave(root, NEW, result=None) / "secret").write_text("secret")
    (root.parent / "secret").write_text("secret")
    return root


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory, runs: Path) -> Iterator[Console]:
    silent = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Silent)
    threading.Thread(target=silent.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{silent.server_address[1]}"
    made = Console(
        tmp_path_factory.mktemp("console"), {"RUNS_DIR": str(runs), "GATEWAY_URL": url, "BALANCER_URL": url}
    )
    try:
        yield made.serves()
    finally:
        made.stop()
        silent.shutdown()
        silent.server_close()


def start(console: Console, name: str = "ann", **asked: Any) -> Answer:
    return console.ask("POST", "/api/rush", console.log_in(name) | JSON, json.dumps(asked))


def audited(console: Console) -> list[tuple[str, str, str]]:
    document = console.ask("GET", "/audit/export?format=jsonl", console.log_in("vic")).body
    entries = [json.loads(line) for line in document.splitlines()]
    return [(each["who"], each["action"], each["outcome"]) for each in entries if "rush" in each["action"]]


def test_a_grid_that_is_none_is_told_in_words_and_audited(console: Console) -> None:
    before = len(audited(console))
    answer = start(console, seed=3)
    assert answer.status == 503
    document = json.loads(answer.body)
    assert document["type"] == "urn:smartgrid:problem:grid-not-ready"
    assert "http://127.0.0.1" in document["detail"]
    assert audited(console)[before:] == [
        ("ann", "start rush hour", None),
        ("ann", "start rush hour", "refused"),
    ]


def test_of_two_starts_at_the_same_instant_one_is_told_who_was_faster(console: Console) -> None:
    operator = console.log_in("ann") | JSON
    with concurrent.futures.ThreadPoolExecutor(2) as both:
        answers = list(both.map(lambda _: console.ask("POST", "/api/rush", operator, "{}"), range(2)))
    assert sorted(answer.status for answer in answers) == [409, 503]
    (document,) = [json.loads(answer.body) for answer in answers if answer.status == 409]
    assert document["type"].endswith("rush-running")
    assert document["detail"].startswith("ann has started")


def test_only_operators_start_and_stop_and_stopping_nothing_is_said(console: Console) -> None:
    assert start(console, "vic").status == 403
    assert console.ask("POST", "/api/rush", JSON, "{}").status == 401
    assert console.ask("POST", "/api/rush/stop", console.log_in("vic") | JSON, "{}").status == 403
    operator = console.log_in("ann") | JSON
    for asked in (
        "{}",
        "[]",
        "x",
        '{"run_id": "x", "end_sessions": true}',
        '{"run_id": null, "end_sessions": 1}',
    ):
        assert console.ask("POST", "/api/rush/stop", operator, asked).status == 400
    answer = console.ask("POST", "/api/rush/stop", operator, '{"run_id": null, "end_sessions": true}')
    assert (answer.status, json.loads(answer.body)["type"]) == (409, "urn:smartgrid:problem:no-rush")


@pytest.mark.parametrize(
    "body", ["[]", "nonsense", '{"preset": "--help"}', '{"seed": -1}', '{"gateway": "http://x"}']
)
def test_what_can_not_be_asked_for_is_refused_before_anything_starts(console: Console, body: str) -> None:
    before = len(audited(console))
    assert console.ask("POST", "/api/rush", console.log_in("ann") | JSON, body).status == 400
    until(lambda: len(audited(console)) > before)
    assert audited(console)[before:] == [("ann", "start rush hour", "refused")]


def test_what_the_load_test_refuses_is_told_in_its_words(console: Console) -> None:
    answer = start(console, requests=100_000, seconds=0.1)
    assert answer.status == 502
    assert "too fast" in json.loads(answer.body)["detail"]


def test_runs_are_listed_for_viewers(console: Console) -> None:
    listed = json.loads(console.ask("GET", "/api/runs", console.log_in("vic")).body)["runs"]
    assert [(run["run_id"], run["verdict"]) for run in listed] == [(NEW, "broken"), (OLD, "broken")]
    assert "report.html" in listed[1]["files"]


def test_a_report_is_shown_where_nothing_runs(console: Console) -> None:
    answer = console.ask("GET", f"/runs/{OLD}/report.html", console.log_in("vic"))
    assert (answer.status, answer.body) == (200, REPORT)
    policy = answer.headers["Content-Security-Policy"]
    assert answer.headers.get_all("Content-Security-Policy") == [policy]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_data_are_downloads_under_the_name_of_the_run(console: Console, runs: Path) -> None:
    answer = console.ask("GET", f"/runs/{OLD}/result.json", console.log_in("vic"))
    assert answer.body == (runs / OLD / "result.json").read_text()
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{OLD}-result.json"'


@pytest.mark.parametrize(
    "path",
    [
        f"/runs/{NEW}/secret",
        "/runs/../secret",
        "/runs/%2e%2e/secret",
        f"/runs/{NEW}/..%2f..%2fsecret",
        "/runs/./result.json",
        f"/runs/{NEW}/%2e%2e/%2e%2e/secret",
        f"/runs/{NEW}/report.html",
        f"/runs/{NEW}%00/progress.jsonl",
    ],
)
def test_nothing_else_is_given_away(console: Console, path: str) -> None:
    answer = console.ask("GET", path, console.log_in("ann"))
    assert answer.status == 404
    assert "secret" not in answer.body


@pytest.mark.parametrize("query", ["", f"?run={OLD}", f"?run={OLD}&run=--svg", f"?run={OLD}&run=../secret"])
def test_what_can_not_be_compared_is_said_on_a_page(console: Console, query: str) -> None:
    answer = console.ask("GET", f"/runs/compare{query}", console.log_in("vic"))
    assert answer.status == 400
    assert "run" in answer.body


def test_a_console_that_stops_ends_its_run(tmp_path: Path) -> None:
    class Endless(Silent):
        def do_GET(self) -> None:
            time.sleep(30)

    silent = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    silent.daemon_threads = True
    threading.Thread(target=silent.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{silent.server_address[1]}"
    console = Console(
        tmp_path, {"RUNS_DIR": str(tmp_path / "runs"), "GATEWAY_URL": url, "BALANCER_URL": url}
    ).serves()
    operator = console.log_in("ann") | JSON
    with concurrent.futures.ThreadPoolExecutor(1) as other:
        asked = other.submit(console.ask, "POST", "/api/rush", operator, "{}")
        until_s = time.monotonic() + 20
        while not (found := children(console.process.pid)) and time.monotonic() < until_s:
            time.sleep(0.05)
        assert console.stop() == 0
        asked.exception(30)
    assert found
    assert not [pid for pid in found if Path(f"/proc/{pid}").exists()]
    silent.shutdown()
    silent.server_close()


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
