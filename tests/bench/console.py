"""Rows 14, 15 and 17: what viewers of the console cost, how soon the grid is ready, and the console's first load."""

import contextlib
import dataclasses
import http.client
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser

from tests.bench import contenders
from tests.bench.table import Row, Say, figure
from tests.console.browser import chromium, log_in
from tests.support.console import Console
from tests.support.grid import LIMIT_S, ROOT, Grid, until
from tests.support.lone_console import TICKS_A_SECOND, ended, python
from tests.support.ports import free_port

VIEWERS, SUBSTATIONS = 200, 100
RATE = 100  # requests a second of the open loop
FRAMES_A_SECOND = 4
BODY = json.dumps({"vehicle_id": "EV-1", "energy_kwh": 0.1})
CHARTS_S = 300  # of history that the charts of the overview ask for
TABLE = "table.substations tbody tr"


@dataclasses.dataclass(frozen=True)
class Watched:
    """A round of requests: their p99, the console's share of a core, and the frames a second that each viewer got."""

    p99_ms: float
    core: float
    frames: float = 0.0


def cpu_s(pid: int) -> float:
    """Return the seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


@contextlib.contextmanager
def console(folder: Path, substations: int) -> Iterator[Console]:
    """A console of its own before a made-up fleet whose figures all change four times a second."""
    port = free_port()
    folder.mkdir()
    with ended(python("tests.support.made_up_balancer", str(port), str(substations))):
        environ = {"BALANCER_URL": f"http://127.0.0.1:{port}", "MAX_CONNECTIONS_PER_ADDRESS": "0"}
        made = Console(folder, environ).serves()
        try:
            until(lambda: made.ask("GET", "/readyz").status == 200)
            yield made
        finally:
            made.stop()


@contextlib.contextmanager
def viewers(watched: Console, count: int) -> Iterator[list[int]]:
    """Browsers that watch; the list gets the number of their frames at the end."""
    command = [sys.executable, "-m", "tests.bench.viewers", f"http://127.0.0.1:{watched.port}", str(count)]
    cookies = watched.log_in("vic")["Cookie"]
    frames: list[int] = []
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(f"{cookies}\n")
        process.stdin.flush()
        assert process.stdout.readline() == "ready\n"
        yield frames
        process.stdin.close()
        frames.append(int(json.loads(process.stdout.readline())["frames"]))
        process.wait(LIMIT_S)


def p99_ms(gateway: str, seconds: float) -> float:
    """Return the p99 of requests that are due RATE times a second, each counted from when it was due."""
    link = http.client.HTTPConnection(urlsplit(gateway).netloc, timeout=LIMIT_S)
    took, began_s = [], time.monotonic()
    for number in range(round(seconds * RATE)):
        due_s = began_s + number / RATE
        time.sleep(max(0.0, due_s - time.monotonic()))
        link.request("POST", "/charge", BODY, {"Content-Type": "application/json"})
        answer = link.getresponse()
        answer.read()
        if answer.status != http.client.CREATED:
            raise RuntimeError(f"a request was not admitted: {answer.status}")
        took.append((time.monotonic() - due_s) * 1000)
    link.close()
    return statistics.quantiles(took, n=100)[-1]


def measured(gateway: str, watched: Console, seconds: float, count: int) -> Watched:
    """Return one round while so many viewers watch."""
    with contextlib.ExitStack() as stack:
        frames = stack.enter_context(viewers(watched, count)) if count else [0]
        before_s, began_s = cpu_s(watched.process.pid), time.monotonic()
        p99 = p99_ms(gateway, seconds)
        took_s = time.monotonic() - began_s
        core = (cpu_s(watched.process.pid) - before_s) / took_s
        stack.close()
    return Watched(p99, core, frames[0] / took_s / max(count, 1))


def watching(folder: Path, say: Say, rounds: int, seconds: float) -> list[Row]:
    """Measure row 14."""
    with contenders.ours(folder / "watched") as grid, console(folder / "console", SUBSTATIONS) as watched:
        alone, seen = [], []
        measured(grid.gateway, watched, 1, 0)  # connections and streams are up from now on
        for number in range(rounds):
            say(f"round {number + 1} of {rounds}: {VIEWERS} viewers")
            alone.append(measured(grid.gateway, watched, seconds, 0))
            seen.append(measured(grid.gateway, watched, seconds, VIEWERS))
    absolute = " and ".join(
        figure(statistics.median(each.p99_ms for each in some), "ms") for some in (alone, seen)
    )
    frames = statistics.median(each.frames for each in seen)
    return [
        Row(
            14,
            f"admission p99 with {VIEWERS} console viewers against none, {RATE} requests a second",
            [one.p99_ms / other.p99_ms for one, other in zip(seen, alone, strict=True)],
            must=1.2,
            note=f"p99 without and with: {absolute}",
        ),
        Row(
            14,
            f"core of a console with {VIEWERS} viewers of {SUBSTATIONS} substations that all change",
            [100 * each.core for each in seen],
            "%",
            must=25,
            note=f"{frames:.1f} frames a second for each viewer, of {FRAMES_A_SECOND} at most",
        ),
    ]


def starting(folder: Path, say: Say, rounds: int) -> Row:
    """Measure row 15."""
    took, cpu = [], []
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}: start of the grid")
        grid = Grid(folder / f"start-{number}")
        began_s = time.monotonic()
        grid.start()
        took.append(time.monotonic() - began_s)
        cpu.append(sum(cpu_s(pid) for pid in grid.pids("")))
        grid.stop()
    note = f"{figure(statistics.median(cpu), 's')} of processor time in all services and supervisord"
    return Row(15, "ready after make run, installed", took, "s", must=1.5, note=note)


def loaded(browser: Browser, served: Console) -> tuple[dict[str, int], dict[str, int]]:
    """Return the bytes on the wire by address, with headers: of a first load of the overview and of the next one."""
    with contextlib.closing(browser.new_context()) as profile:
        page = profile.new_page()
        page.goto(f"http://127.0.0.1:{served.port}/")
        log_in(page, "vic")
        page.wait_for_selector(TABLE)
        wire = profile.new_cdp_session(page)
        wire.send("Network.enable")
        wire.send("Network.clearBrowserCache")
        addresses: dict[str, str] = {}
        sizes: dict[str, int] = {}
        wire.on(
            "Network.requestWillBeSent", lambda e: addresses.update({e["requestId"]: e["request"]["url"]})
        )
        wire.on(
            "Network.loadingFinished",
            lambda e: sizes.update({addresses[e["requestId"]]: int(e["encodedDataLength"])}),
        )
        found = []
        for _ in ("first", "next"):
            sizes.clear()
            page.goto(f"http://127.0.0.1:{served.port}/")
            page.wait_for_selector(TABLE)
            page.wait_for_timeout(1500)  # the history of the charts
            found.append({address: size for address, size in sizes.items() if size})
    return found[0], found[1]


def first_load(served: Console, say: Say) -> Row:
    """Measure row 17."""
    say("first load of the console")
    with chromium() as browser:
        first, again = loaded(browser, served)
    note = f"{len(first)} requests; the next load {sum(again.values()) / 1000:.0f} kB, {len(again)} requests"
    return Row(
        17,
        "first load of the console: bytes on the wire, with headers and the charts' history",
        [sum(first.values()) / 1000],
        "kB",
        must=130,
        note=note,
    )


def rows(folder: Path, say: Say, *, quick: bool) -> list[Row]:
    """Measure, and return rows 14, 15 and 17.

    The console of row 17 runs beside row 14, so that the charts have their whole history; a quick round does without.
    """
    with console(folder / "loaded", 3) as served:
        full_s = time.monotonic() + CHARTS_S
        found = watching(folder, say, *((1, 4) if quick else (3, 15)))
        if not quick:
            say("history for the charts")
            time.sleep(max(0.0, full_s - time.monotonic()))
        found.append(first_load(served, say))
    return [*found, starting(folder, say, 1 if quick else 3)]
