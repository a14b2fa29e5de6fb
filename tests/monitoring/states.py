"""A grid in each state of monitoring/grafana/states.py, as the series that Prometheus would have scraped of it.

Times are seconds; what a state is like is seen at `AT_S`, after a minute of it.
"""

import dataclasses
from collections.abc import Iterator

AT_S = 120
CHANGED_S = 60  # a substation was lost
RUSH_S = 60  # a rush hour began so long ago
CAPACITY_W = 1_400_000
LOADED_W = 1_120_000  # 80 %
RISE_W = 4_000  # a second, in a rush hour
NAMES = ("substation-1", "substation-2", "substation-3")


@dataclasses.dataclass(frozen=True)
class Substation:
    """Values are in promtool's notation."""

    load: str = f"0x{AT_S}"
    base_load: str = f"0x{AT_S}"
    capacity: str = f"{CAPACITY_W}x{AT_S}"
    headroom: str = f"{CAPACITY_W}x{AT_S}"
    draining: str = f"0x{AT_S}"
    admitted: str = f"0x{AT_S}"
    freed: int = 0
    state: str = "healthy"


@dataclasses.dataclass(frozen=True)
class World:
    """Three substations, what waits at the balancer, and answers within and over the promise."""

    substations: tuple[Substation, ...] = (Substation(),) * 3
    waiting: int = 0
    answered: str = f"0x{AT_S}"
    window: tuple[int, int] = (0, 0)
    active: str = f"0x{AT_S}"


LOADED = Substation(load=f"{LOADED_W}x{AT_S}", headroom=f"{CAPACITY_W - LOADED_W}x{AT_S}", freed=LOADED_W)
QUIET_S = AT_S - RUSH_S - 1
BEFORE_W = LOADED_W - RISE_W * RUSH_S
RISING = Substation(
    load=f"{BEFORE_W}x{QUIET_S} {BEFORE_W}+{RISE_W}x{RUSH_S}",
    headroom=f"{CAPACITY_W - BEFORE_W}x{QUIET_S} {CAPACITY_W - BEFORE_W}-{RISE_W}x{RUSH_S}",
    admitted=f"500x{QUIET_S} 500+2x{RUSH_S}",
    freed=LOADED_W,
)
ONE_CAR = Substation(load=f"11000x{AT_S}", headroom=f"{CAPACITY_W - 11_000}x{AT_S}")
DRAINED = Substation(load=f"140000x{AT_S}", headroom=f"{CAPACITY_W - 140_000}x{AT_S}", draining=f"1x{AT_S}")
LOWERED_W, LOWERED_S = CAPACITY_W // 2, AT_S - 15
# It rose until its limit was lowered, so by the trend of the last 30 s it rises still.
LOWERED = Substation(
    load=f"{BEFORE_W}x{LOWERED_S - 61} {BEFORE_W}+{RISE_W}x60 {LOADED_W}x{AT_S}",
    capacity=f"{CAPACITY_W}x{LOWERED_S} {LOWERED_W}x{AT_S}",
    headroom=f"{CAPACITY_W - LOADED_W}x{LOWERED_S} {LOWERED_W - LOADED_W}x{AT_S}",
    freed=LOADED_W,
)
WORLDS = {
    "idle": World((ONE_CAR, Substation(), Substation())),
    "rush": World(
        (RISING,) * 3, 3, f"0x{QUIET_S} 0+6x{RUSH_S}", (AT_S - RUSH_S, AT_S + 1), f"0x{QUIET_S} 1x{RUSH_S}"
    ),
    "drained": World((LOADED, DRAINED, LOADED)),
    "lost": World(
        (
            LOADED,
            LOADED,
            Substation(
                load=f"{LOADED_W}x{CHANGED_S} stale",
                capacity=f"{CAPACITY_W}x{CHANGED_S} stale",
                headroom=f"{CAPACITY_W - LOADED_W}x{CHANGED_S} stale",
                draining=f"0x{CHANGED_S} stale",
                admitted=f"0x{CHANGED_S} stale",
                state="ejected",
            ),
        )
    ),
    "over": World((LOWERED, LOADED, LOADED)),
}


def series(world: World) -> Iterator[tuple[str, str]]:
    """Yield each series with its values."""
    for number, (name, each) in enumerate(zip(NAMES, world.substations, strict=True), start=1):
        yield from _of_a_substation(f'instance="{number}:8101",job="substation",substation="{name}"', each)
        for state in ("healthy", "ejected"):
            value = int(state == each.state)
            labels = f'instance="b:8001",job="balancer",substation="{name}",state="{state}"'
            yield f"smartgrid_balancer_substation_state{{{labels}}}", f"{value}x{AT_S}"
        labels = f'instance="b:8001",job="balancer",substation="{name}"'
        yield f"smartgrid_substation_expected_peak_ratio{{{labels}}}", f"0.1x{AT_S}"
    balancer = '{instance="b:8001",job="balancer"}'
    yield f"smartgrid_balancer_forecasts_good{balancer}", f"1x{AT_S}"
    yield f"smartgrid_balancer_waiting_requests{balancer}", f"{world.waiting}x{AT_S}"
    yield f"smartgrid_rushhour_active{balancer}", world.active
    for end, at_s in zip(("start", "end"), world.window, strict=True):
        yield f"smartgrid_rushhour_window_{end}_timestamp_seconds{balancer}", f"{at_s}x{AT_S}"
    gateway = 'instance="g:8000",job="gateway",kind="admitted"'
    name = "smartgrid_charge_request_duration_seconds"
    yield f'{name}_bucket{{{gateway},le="0.25"}}', world.answered
    yield f"{name}_count{{{gateway}}}", world.answered
    yield 'scrape_duration_seconds{instance="g:8000",job="gateway"}', f"0.01x{AT_S}"


def _of_a_substation(labels: str, each: Substation) -> Iterator[tuple[str, str]]:
    name, lost = "smartgrid_substation", " stale" if "stale" in each.load else ""
    steady = CHANGED_S if lost else AT_S
    yield f"{name}_load_watts{{{labels}}}", each.load
    yield f"{name}_base_load_watts{{{labels}}}", f"0x{steady}{lost}" if lost else each.base_load
    yield f"{name}_capacity_watts{{{labels}}}", each.capacity
    yield f"{name}_headroom_watts{{{labels}}}", each.headroom
    yield f"{name}_draining{{{labels}}}", each.draining
    yield f'{name}_sessions_total{{{labels},outcome="admitted"}}', each.admitted
    yield f"{name}_energy_joules_total{{{labels}}}", f"0x{steady}{lost}"
    yield f'{name}_overload_watt_seconds_total{{{labels},cause="admission"}}', f"0x{steady}{lost}"
    for within_s in (1, 5, 10, 30, 60, 300):
        freed = each.freed * within_s // 300
        yield f'{name}_releases_watts{{{labels},within="{within_s}"}}', f"{freed}x{steady}{lost}"
