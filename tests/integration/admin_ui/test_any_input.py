"""The console answers every invalid request with the mistake in it, and never with an internal error."""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.console import JSON, Console
from tests.support.route_table import path, route_table

DEEP = "[" * 20_000
WRONG: tuple[Any, ...] = (
    None,
    True,
    -1,
    1.5,
    2**70,
    "",
    "x" * 5000,
    "\0",
    "\ud800",
    [],
    [[]],
    {},
    {"a": [1]},
)
FIELDS = (
    "order",
    "target",
    "value",
    "reason",
    "basis",
    "seen",
    "preset",
    "seed",
    "requests",
    "seconds",
    "password",
    "run_id",
    "end_sessions",
    "rule",
    "substation_id",
    "minutes",
    "note",
    "id",
    "key",
)
BODIES = (
    "",
    "x",
    "null",
    "1e999",
    "NaN",
    '"text"',
    "[]",
    "{}",
    DEEP,
    '{"a":' * 20_000,
    '{"order": ' + DEEP,
    "\\ud800",
    '{"seed": 1e400}',
    '{"seed": -Infinity}',
    '{"order": "drain", "order": "drain"}',
    "\ufeff{}",
    '{"\\u0000": 1}',
    *(json.dumps(dict.fromkeys(FIELDS, value)) for value in WRONG),
    *(
        json.dumps(
            {"order": kind, "target": value, "value": value, "reason": value, "basis": value, "seen": value}
        )
        for kind in ("drain", "undrain", "capacity", "policy", "stop", "decommission")
        for value in WRONG
    ),
)
QUERIES = ("%00", "%ff%fe", "-1", "9" * 40, "x" * 5000, "a&{name}=b", "")
NAMES = (
    "after",
    "limit",
    "seconds",
    "substation_id",
    "vehicle_id",
    "session_id",
    "run",
    "before",
    "verify",
    "format",
    "person",
    "next",
    "token",
)
FILES = (
    "css%00.css",
    "%00",
    "..%2f..%2fpyproject.toml",
    "%ff%fe.js",
    "a" * 2000,
    "css",
    "css/",
    "js/%2e%2e/",
    "",
)


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """A console without a grid."""
    made = Console(tmp_path_factory.mktemp("console")).serves()
    yield made
    made.stop()


def faults(console: Console, asked: Iterator[tuple[str, str, dict[str, str], str]]) -> list[str]:
    """Return what was answered as a fault: 500, or nothing at all."""
    found = []
    for method, address, headers, body in asked:
        try:
            status = console.ask(method, address, headers, body).status
        except OSError as error:
            found.append(f"{method} {address[:80]} {body[:80]}: {error!r}")
            continue
        if status == 500:
            found.append(f"{method} {address[:80]} {body[:80]}")
    return found


def addresses(folder: Path) -> list[str]:
    return sorted(
        {path(route) for route in route_table(folder)} - {"/stream", "/logout", "/logout/everywhere"}
    )


def test_no_body_is_a_fault_of_the_console_s_own(console: Console, tmp_path: Path) -> None:
    ann = console.log_in("ann")
    posts = [
        each for each in addresses(tmp_path) if console.ask("POST", each, ann | JSON, "{}").status != 405
    ]
    assert {"/api/orders", "/api/preview", "/api/rush", "/confirm", "/account", "/login"} <= set(posts)
    bodies = itertools.product((each for each in posts if each.startswith(("/api", "/confirm"))), BODIES)
    assert faults(console, (("POST", at, ann | JSON, body) for at, body in bodies)) == []
    forms = itertools.product(
        ("/account", "/login", "/enter"), ("name=%ff", "token=%00", "next=%ED%A0%80", "=&=", "%")
    )
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert faults(console, (("POST", at, ann | form, body) for at, body in forms)) == []
    assert "Traceback" not in console.said()


def test_no_query_is_a_fault_of_the_console_s_own(console: Console, tmp_path: Path) -> None:
    ann = console.log_in("ann")
    asked = (
        ("GET", f"{at}?{name}={value.format(name=name)}", ann, "")
        for at in addresses(tmp_path)
        for name, value in itertools.product(NAMES, QUERIES)
        if at.startswith("/api") or name in {"next", "token", "person", "before", "run", "format"}
    )
    assert faults(console, asked) == []


def test_no_address_of_a_file_is_a_fault_of_the_console_s_own_without_a_login_either(
    console: Console,
) -> None:
    for name in FILES:
        assert console.ask("GET", f"/static/{name}").status in {400, 403, 404, 414, 431}, name
    runs = (f"/rush-hour/runs/{run}/{name}" for run in FILES for name in FILES)
    ann = console.log_in("ann")
    assert faults(console, (("GET", at, ann, "") for at in runs)) == []
