"""A year of grid time on real processes: months of restarts first, then months in which nothing restarts."""

import dataclasses
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from admin_ui.web.logins import Role
from tests.soak.clock import WallClock
from tests.soak.load import Load
from tests.soak.measures import SERVICES, Measures
from tests.soak.slope import Trend
from tests.support.console import people
from tests.support.grid import FreshGrid, until

DAYS, DAY_S = 365, 24 * 3600
KEPT_DAYS = 5  # after so many, a substation has dropped a session
MOST_SCALE = 100_000  # grid seconds in a second: what a substation accepts
RESTARTS = 24
RESTARTING = 0.4  # of the time; afterwards nothing restarts
WARM_UP = 0.55  # of the time after the last restart: caches fill
RATE = 50.0  # requests a second: decisions that are kept in memory are soon as many as they may be
MEASURE_S = 1.0
SIGNALS = (signal.SIGKILL, signal.SIGTERM)


@dataclasses.dataclass
class Outcome:
    """What a year showed; the trends say something after minutes."""

    days: float
    restarts: int
    answers: dict[str, int]
    trends: dict[tuple[str, str], Trend]
    faults: list[str]


class Year:
    """The grid, its clock, its load and its measures, for `seconds` of real time."""

    def __init__(
        self, folder: Path, seconds: float, *, days: int = DAYS, restarts: int = RESTARTS, rate: float = RATE
    ) -> None:
        """`days` is how far the wall clock goes, and grid time where a substation runs as fast."""
        self.clock = WallClock(folder)
        self.scale = min(MOST_SCALE, days * DAY_S / seconds)
        self.measures = Measures()
        self.restarts = 0
        self._seconds, self._days, self._restarts, self._rate = seconds, days, restarts, rate
        self.grid = FreshGrid(
            folder / "data", TIME_SCALE=f"{self.scale:.0f}", BASE_LOAD="sample", **self.clock.environ
        )
        people(folder / "data", ann=Role.OPERATOR)

    def run(self) -> Outcome:
        """Let the year pass."""
        self.grid.start()
        try:
            load = Load(
                self.grid.gateway, self.grid.console, self._rate, lambda: self.clock.ahead_s // DAY_S, seed=1
            )
            load.start()
            steady_s = self._pass(load)
            load.end()
            load.faults += self._pruned()
            trends = self.measures.trends(steady_s)
            faults = [*load.faults, *self._logged()]
        finally:
            code = self.grid.stop()
        faults += [f"the grid stopped with exit code {code}"] if code else []
        days = self._seconds * self.scale / DAY_S
        return Outcome(days, self.restarts, dict(sorted(load.answers.items())), trends, faults)

    def _pass(self, load: Load) -> float:
        """Let the time pass; returns the moment from which everything must be flat."""
        began_s = time.monotonic()
        for number in range(1, self._restarts + 1):
            self._wait(began_s, self._seconds * RESTARTING * number / self._restarts, load)
            self._restart()
        calm_s, calm_for_s = time.monotonic(), self._seconds * (1 - RESTARTING)
        self._wait(began_s, max(self._seconds, calm_s - began_s + calm_for_s / 2), load)
        self.clock.put_forward(self._days * DAY_S - self.clock.ahead_s)
        return calm_s + calm_for_s * WARM_UP

    def _wait(self, began_s: float, until_s: float, load: Load) -> None:
        """Measure until so long after the beginning, and put the wall clock forward day by day."""
        while (passed_s := time.monotonic() - began_s) < until_s and load.is_alive():
            if (
                days := min(self._days, int(passed_s / self._seconds * self._days))
            ) * DAY_S > self.clock.ahead_s:
                self.clock.put_forward(days * DAY_S - self.clock.ahead_s)
            self.measures.take(self.grid)
            time.sleep(MEASURE_S)

    def _restart(self) -> None:
        """End the next process, in turns by force and in order; the supervisor starts it again."""
        service = SERVICES[self.restarts % len(SERVICES)]
        until(lambda: self.grid.pids(service))
        pids = self.grid.pids(service)
        pid = pids[self.restarts // len(SERVICES) % len(pids)]
        os.kill(pid, SIGNALS[self.restarts % len(SIGNALS)])
        self.restarts += 1
        until(lambda: pid not in (now := self.grid.pids(service)) and len(now) == len(pids))
        self.grid.wait()

    def _pruned(self) -> list[str]:
        """Restart all substations five days later: what ended before is dropped. Returns what was not, in words.

        A substation that runs drops by the clock that jumps less, so days that were put forward count from a restart on.
        """
        self.clock.put_forward(KEPT_DAYS * DAY_S)
        before = self.grid.pids("substation")
        for pid in before:
            os.kill(pid, signal.SIGTERM)
        until(lambda: len(now := self.grid.pids("substation")) == len(before) and not set(now) & set(before))
        self.grid.wait()
        most = len(before)  # the newest record of a journal stays
        try:
            until(lambda: len(self.grid.sessions()) <= most)
        except AssertionError:
            return [f"{len(self.grid.sessions())} sessions are still there five days after they ended"]
        return []

    def _logged(self) -> list[str]:
        """Return the errors in the logs of all services."""
        return [
            json.dumps(line)[:1000]
            for line in _lines(self.grid.data / "log")
            if line.get("level") in {"error", "critical"}
        ]


def _lines(folder: Path) -> list[dict[str, Any]]:
    found = []
    for path in sorted(folder.glob("*.log*")):
        for line in path.read_text(errors="replace").splitlines():
            if line.startswith("{"):
                found.append(json.loads(line))
            elif "Traceback" in line or "Fatal" in line:
                found.append({"level": "critical", "message": line, "service": path.stem})
    return found
