"""Records the fleet once a second: the power that substations reserve, and the power that cars draw.

The load test reads the substations only while it sends. This goes on until the last cars have left.
"""

import json
import threading
import time
import urllib.parse
from types import TracebackType
from typing import Any, Self

from prometheus_client.parser import text_string_to_metric_families

from runtime.probe import fetch

READ_EVERY_S = 1.0
READ_TIMEOUT_S = 1.0
W_PER_KW = 1000
EMPTY_SHARE = 0.02  # of the capacity: the fleet counts as empty below it, as for the load test
METRICS = {
    "smartgrid_substation_load_watts": "load_kw",
    "smartgrid_substation_draw_watts": "draw_kw",
    "smartgrid_substation_capacity_watts": "capacity_kw",
}
Reading = dict[str, float]  # load_kw, draw_kw and capacity_kw of the fleet, at_unix_s


class FleetRecorder:
    """A context in which a thread reads the fleet of a balancer; `readings` are in order of time."""

    def __init__(self, balancer_url: str) -> None:
        self.readings: list[Reading] = []
        self._balancer_url = balancer_url
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._record, name="fleet recorder", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def wait_until_empty(self, within_s: float) -> bool:
        """Wait until a reading from now on says nearly empty; returns False when none does within `within_s` seconds."""
        until_s = time.monotonic() + within_s
        from_unix_s = time.time()  # an older reading may be from before the cars came
        while time.monotonic() < until_s:
            last = self.readings[-1] if self.readings else None
            if (
                last
                and last["at_unix_s"] >= from_unix_s
                and last["load_kw"] < EMPTY_SHARE * last["capacity_kw"]
            ):
                return True
            time.sleep(READ_EVERY_S)
        return False

    def _record(self) -> None:
        while not self._ended.wait(READ_EVERY_S):
            if reading := read_fleet(self._balancer_url):
                self.readings.append(reading)


def read_fleet(balancer_url: str) -> Reading | None:
    """Return the sums over all substations in kW; None when one of them could not be read."""
    names = urllib.parse.urlencode([("name[]", name) for name in METRICS])
    reading: Reading = {"at_unix_s": time.time(), **dict.fromkeys(METRICS.values(), 0.0)}
    try:
        members: list[dict[str, Any]] = json.loads(_page(f"{balancer_url}/fleet"))["substations"]
        for member in members:
            for name, watts in _watts(_page(f"{member['url']}/metrics?{names}")).items():
                reading[name] += watts / W_PER_KW
    except (OSError, ValueError, KeyError):
        return None
    return reading


def read_policies(balancer_url: str) -> list[str]:
    """Return the policies that a balancer knows; raises OSError or ValueError when it does not say."""
    found = json.loads(_page(f"{balancer_url}/fleet")).get("policies") or []
    return [str(each) for each in found]


def _watts(metrics: str) -> dict[str, float]:
    """Return the metrics of one substation by their short names; raises KeyError when one is absent."""
    samples = [each for family in text_string_to_metric_families(metrics) for each in family.samples]
    values = {each.name: each.value for each in samples}
    return {short: values[name] for name, short in METRICS.items()}


def _page(url: str) -> str:
    return fetch(url, READ_TIMEOUT_S).decode()
