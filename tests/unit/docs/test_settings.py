"""docs/reference/settings.md names every setting of every service with its default."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

import admin_ui.settings
import balancer.settings
import gateway.settings
import substation.settings
from loadtest.cli import parser
from runtime import body_limit, frame_allowance, http, message_size, stream_server
from runtime.connections import Limits
from runtime.http_server.connection import HEADER_BYTES
from runtime.process import STOP_WITHIN_S, ProcessSettings
from runtime.tls.settings import NAMES
from tests.unit.docs.pages import DOCS, ROOT, rows, sections

PAGE = DOCS / "reference" / "settings.md"
SERVICES: dict[str, Any] = {
    "every service": ProcessSettings,
    "gateway": gateway.settings.Settings,
    "balancer": balancer.settings.Settings,
    "substation": substation.settings.Settings,
    "console": admin_ui.settings.Settings,
}


def defaults(settings: Any) -> dict[str, str]:
    """Return every variable of a settings class with its default as the page writes it."""
    described = [field.metadata for field in dataclasses.fields(settings)]
    return {each["env"]: f"`{each['default']}`" if each["default"] else "(empty)" for each in described}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_s_table_is_its_settings_with_their_defaults(service: str) -> None:
    table = rows(sections(PAGE)[service])
    assert {name: cells[1] for name, cells in table.items()} == defaults(SERVICES[service])


def test_every_service_is_on_the_page() -> None:
    owners = {path.parent.name for path in ROOT.glob("*/settings.py")} - {"runtime"}
    assert owners <= {settings.__module__.partition(".")[0] for settings in SERVICES.values()}


STARTED_WITH = [
    ROOT / "deploy/local" / name for name in ("grid.py", "addresses.py", "supervision.py", "prometheus.py")
]


def test_what_make_run_reads_on_top_is_on_the_page() -> None:
    script = "".join(path.read_text(encoding="utf-8") for path in STARTED_WITH)
    read = set(re.findall(r'(?:environ\.get\(|environ, |port\()"([A-Z_]+)"', script)) - {
        "GRID_PROMETHEUS_NOTE"
    }
    known = {name for settings in SERVICES.values() for name in defaults(settings)}
    assert "GRID_SUBSTATIONS" in read
    assert read <= known | rows(sections(PAGE)["`make run`"]).keys()


def test_where_the_rush_hour_goes_is_on_the_page() -> None:
    documented = {name: cells[1] for name, cells in rows(sections(PAGE)["`make rush-hour`"]).items()}
    asked = parser({}).parse_args(["rush-hour"])
    assert documented == {
        "GATEWAY_URL": f"`{asked.gateway}`",
        "BALANCER_URL": f"`{asked.balancer}`",
        "API_KEY": "(empty)",
        "OPERATOR_TOKEN_FILE": "(empty)",
        **dict.fromkeys(NAMES, "(empty)"),
        "LOADTEST_TARGETS": "(empty)",
        "RUNS_DIR": f"`{asked.runs_dir}`",
        "ARGS": "(empty)",
    }
    elsewhere = {"GATEWAY_URL": "http://127.0.0.1:1", "BALANCER_URL": "http://127.0.0.1:2"}
    moved = parser(elsewhere).parse_args(["rush-hour"])
    assert {"GATEWAY_URL": moved.gateway, "BALANCER_URL": moved.balancer} == elsewhere


def test_a_rush_hour_finds_the_grid_of_make_run_in_the_same_environment() -> None:
    environ = {"BIND": "::", "GATEWAY_PORT": "1", "BALANCER_PORT": "2", "DATA_DIR": "/elsewhere"}
    asked = parser(environ).parse_args(["rush-hour"])
    assert (asked.gateway, asked.balancer) == ("http://[::1]:1", "http://[::1]:2")
    assert asked.runs_dir == Path("/elsewhere/runs")


def test_the_fixed_limits_are_those_of_the_code() -> None:
    text = sections(PAGE)["fixed limits"]
    written = dict(re.findall(r"^\| ([^|`]+?) \| (\d+)", text, flags=re.MULTILINE))
    assert {name: float(value) for name, value in written.items()} == {
        "body": body_limit.BODY_BYTES / 1024,
        "request line and headers": HEADER_BYTES / 1024,
        "idle connection": Limits().idle_s,
        "answers that a client of the gateway or of a substation does not read": Limits().idle_s,
        "time for the request line and headers": Limits().header_s,
        "time for the body": Limits().body_s,
        "TLS handshake": Limits().header_s,
        "message on a WebSocket": http.WEBSOCKET_BYTES / 1024,
        "frames of a client on a WebSocket": frame_allowance.BURST,
        "connections": Limits().connections,
        "reserve for probes": Limits().reserve,
        "message on a stream": message_size.MESSAGE_BYTES / 1024**2,
        "streams": stream_server.STREAMS,
        "answers to requests in flight, when stopping": http.ANSWER_WITHIN_S,
        "stop after SIGTERM or SIGINT": STOP_WITHIN_S,
    }
