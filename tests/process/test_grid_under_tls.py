"""A grid of real processes under mutual TLS: cars are admitted, the console shows them, and nobody is let in as another."""

import asyncio
import itertools
import json
import os
import random
import ssl
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from runtime.probe import contexts, fetch
from tests.fuzz import corpus
from tests.fuzz.sending import Answers, send_all
from tests.support.grid import LIMIT_S, ROOT, Grid, get, status, until
from tests.support.ports import free_port
from tests.support.prometheus import LACKING

KEYED = {"Content-Type": "application/json", "Idempotency-Key": "one-car"}
PROMETHEUS = free_port()
PUBLIC = "gateway/public-cert.pem"
POST = {"Content-Type": "application/json"}


class TlsGrid(Grid):
    """A grid that speaks TLS; its certificates lie in `tls`."""

    def __init__(self, data: Path, **environment: str) -> None:
        super().__init__(data, TLS="on", GRID_SUBSTATIONS="2", **environment)
        self.tls = data / "tls"
        self.gateway, self.balancer = (secure(url) for url in (self.gateway, self.balancer))
        self.substations = [secure(url) for url in self.substations[:2]]

    def files(self, who: str) -> dict[str, str]:
        """Return the variables with which a process is `who`: a folder of the certificates."""
        parts = {"TLS_CA": "ca", "TLS_CERT": "cert", "TLS_KEY": "key"}
        return {name: f"{self.tls}/{who}/{part}.pem" for name, part in parts.items()}

    def status(self, who: str, url: str, method: str = "GET") -> int:
        """Return how a service answers `who`; the service must prove that it is of the grid."""
        try:
            fetch(
                url, LIMIT_S, method=method, headers=POST, tls=next(contexts(self.files(who), checked=True))
            )
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        return 200

    def charge(self, headers: dict[str, str] = KEYED) -> Any:
        """Charge a car as a charge point does, which trusts the authority and shows no certificate."""
        trusting = ssl.create_default_context(cafile=str(self.tls / "authority" / "ca.pem"))
        request = urllib.request.Request(f"{self.gateway}/charge", b'{"vehicle_id": "EV-1"}', headers)
        with urllib.request.urlopen(request, timeout=LIMIT_S, context=trusting) as answer:
            return json.loads(answer.read())

    def shown(self, url: str) -> bytes:
        """Return the certificate that a service shows to a new connection."""
        parts = urllib.parse.urlsplit(url)
        address = (parts.hostname or "", parts.port or 0)
        return ssl.get_server_certificate(address, timeout=LIMIT_S).encode()


def secure(url: str) -> str:
    return url.replace("http:", "https:", 1)


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsGrid]:
    made = TlsGrid(tmp_path_factory.mktemp("grid") / "data", PROMETHEUS_PORT=str(PROMETHEUS))
    made.start()
    yield made
    assert made.stop() == 0


@pytest.mark.gen_test
async def test_a_keyed_charge_gives_one_session_and_the_console_shows_it_live(grid: TlsGrid) -> None:
    session = grid.charge()
    assert grid.charge() == session
    token = grid.link().partition("token=")[2]
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as browser:
        async with browser.post(f"{grid.console}/enter", data={"token": token}) as entered:
            assert entered.status == 200
        cookie = "; ".join(f"{each.key}={each.value}" for each in jar)  # __Host- cookies want https elsewhere
        async with browser.ws_connect(f"{grid.console}/stream", headers={"Cookie": cookie}) as stream:
            while session["substation_id"] not in charging(await stream.receive_json(timeout=LIMIT_S)):
                pass


def charging(frame: dict[str, Any]) -> set[str]:
    """Return the substations that a frame of the console shows with a car."""
    rows = (frame.get("state") or frame.get("changes") or frame).get("substations", [])
    return {row["substation_id"] for row in rows if row["sessions"]}


@pytest.mark.parametrize(
    ("who", "service", "call", "expected"),
    [
        ("operator", "balancer", "GET /fleet", 200),
        ("console", "balancer", "GET /decisions", 200),
        ("console", "balancer", "POST /fleet/substation-2/restore", 200),
        ("prometheus", "balancer", "GET /metrics", 200),
        ("prometheus", "balancer", "GET /fleet", 403),
        ("gateway", "balancer", "GET /fleet", 403),
        ("gateway", "balancer", "POST /fleet/substation-2/drain", 403),
        ("substations/substation-1", "balancer", "POST /fleet/substation-2/drain", 403),
        ("balancer", "balancer", "GET /readyz", 200),
        ("balancer", "balancer", "POST /fleet/substation-2/drain", 403),
        ("balancer", "substation-1", "GET /metrics", 200),
        ("balancer", "substation-1", "GET /sessions", 403),
        ("substations/substation-1", "substation-1", "POST /backup", 200),
        ("substations/substation-2", "substation-1", "POST /backup", 403),
        ("substations/substation-2", "substation-1", "GET /metrics", 403),
        ("gateway", "substation-1", "GET /metrics", 403),
    ],
)
def test_a_certificate_allows_what_its_role_may_do_and_nothing_else(
    grid: TlsGrid, who: str, service: str, call: str, expected: int
) -> None:
    base = grid.balancer if service == "balancer" else grid.substations[0]
    method, path = call.split()
    assert grid.status(who, base + path, method) == expected


def test_a_rush_hour_is_sent_and_measured_under_tls(grid: TlsGrid) -> None:
    environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    where = ["--gateway", grid.gateway, "--balancer", grid.balancer, "--runs-dir", str(grid.data / "runs")]
    run = subprocess.run(
        [sys.executable, "-m", "loadtest", "rush-hour", "--requests", "5", "--seconds", "1", *where],
        cwd=ROOT,
        env=environ | grid.files("operator"),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert "5 planned, 5 sent, 5 admitted, 0 refused, 0 failed" in run.stdout, run.stdout + run.stderr


@pytest.mark.skipif(bool(LACKING), reason=f"not installed: {', '.join(LACKING)}")
def test_prometheus_scrapes_every_service_with_its_certificate(grid: TlsGrid) -> None:
    query = f"http://127.0.0.1:{PROMETHEUS}/api/v1/query?query=up"

    def reached() -> dict[str, set[str]]:
        jobs: dict[str, set[str]] = {}
        for each in get(query)["data"]["result"]:
            jobs.setdefault(each["metric"]["job"], set()).add(each["value"][1])
        return jobs

    names = ("substation", "balancer", "gateway", "admin_ui", "prometheus")
    until(lambda: status(query) == 200 and reached() == {name: {"1"} for name in names})


def test_a_client_without_tls_or_without_a_certificate_gets_no_answer(grid: TlsGrid) -> None:
    for url in (grid.balancer, *grid.substations):
        for without in (url.replace("https:", "http:"), url):
            assert answer(f"{without}/livez") == "none"


def answer(url: str) -> str:
    """Return what a service answers to a client that shows no certificate."""
    try:
        return fetch(url, LIMIT_S).decode()
    except urllib.error.HTTPError as error:
        with error:
            return str(error.code)
    except OSError:
        return "none"


def test_renewed_certificates_are_used_without_a_restart(grid: TlsGrid) -> None:
    """And cars are admitted all the while: the links that are open stay open."""
    before = {path: (grid.tls / path).read_bytes() for path in ("balancer/cert.pem", PUBLIC)}
    pids = grid.pids("")
    command = [sys.executable, "-m", "deploy.certificates", str(grid.tls), "--substations", "2", "--renew"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=LIMIT_S)
    grid.charge(POST)
    new = {path: (grid.tls / path).read_bytes() for path in before}
    assert not set(new.values()) & set(before.values())
    until(lambda: der(grid.shown(grid.gateway)) == der(new[PUBLIC]))
    until(lambda: grid.status("operator", f"{grid.balancer}/livez") == 200)
    grid.charge(POST)
    assert grid.pids("") == pids


def der(pem: bytes) -> bytes:
    return ssl.PEM_cert_to_DER_cert(pem.decode())


def test_a_service_does_not_start_with_the_certificate_of_another(grid: TlsGrid, tmp_path: Path) -> None:
    environ = os.environ | {"DATA_DIR": str(tmp_path), "SUBSTATION_ID": "substation-1"}
    for who, why in (
        ("substations/substation-2", "is of substation-2, and this is substation-1"),
        ("gateway", "is of gateway, and this is substation-1"),
    ):
        run = subprocess.run(
            [sys.executable, "-m", "substation"],
            cwd=ROOT,
            env=environ | grid.files(who),
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert (run.returncode, why in run.stderr) == (1, True), run.stderr


def test_no_key_of_a_certificate_is_in_a_log_or_shown_by_a_process(grid: TlsGrid) -> None:
    keys = {
        path: max(path.read_text().splitlines(), key=len)  # a line of the base64 inside
        for path in (grid.data / "tls").rglob("*.pem")
        if "PRIVATE KEY" in path.read_text()
    }
    assert len(keys) >= 8
    shown = {path.name: path.read_text(errors="replace") for path in (grid.data / "log").glob("*")}
    for pid in grid.pids(""):
        for name in ("cmdline", "environ"):
            shown[f"{pid} {name}"] = Path(f"/proc/{pid}/{name}").read_text(errors="replace")
    assert len(shown) >= 2 * 6
    assert [
        (path, place) for path, line in keys.items() for place, text in shown.items() if line in text
    ] == []


# Each listener: its setting, who may call it, and the heading under which the corpus knows it.
LISTENERS = {
    "Gateway, for everybody": ("GATEWAY_PORT", "gateway"),
    "Balancer, HTTP": ("BALANCER_PORT", "operator"),
    "Balancer, stream": ("BALANCER_STREAM_PORT", "gateway"),
    "Substation, HTTP": ("SUBSTATION_PORT", "operator"),
    "Substation, stream": ("SUBSTATION_STREAM_PORT", "balancer"),
}


@pytest.mark.parametrize("listener", LISTENERS)
def test_no_bytes_end_a_service_neither_in_place_of_tls_nor_under_it(grid: TlsGrid, listener: str) -> None:
    """The corpus of `make fuzz`, to a listener that expects a handshake, and from a caller that it lets in."""
    setting, who = LISTENERS[listener]
    port, before, random_ = int(grid.environment[setting]), grid.pids(""), random.Random(listener)
    seeds = [
        *corpus.seeds(listener, "Bearer nobody"),
        b"\x16\x03\x01\xff\xff" + b"a" * 300,
        b"\x15\x03\x03\0\2\2\0",
    ]
    for context in (None, next(contexts(grid.files(who), checked=False))):
        answers = Answers()
        given = itertools.islice(corpus.inputs(seeds, random_), 200)
        asyncio.run(send_all(port, given, answers, at_once=8, tls=context))
        assert answers.inputs == 200
        assert answers.unexplained == []
        if context:
            assert answers.refused_connections == 0
    assert grid.pids("") == before
    assert grid.status("operator", f"{grid.balancer}/livez") == 200
    logs = "".join(path.read_text(errors="replace") for path in (grid.data / "log").glob("*.log"))
    assert "Traceback" not in logs
