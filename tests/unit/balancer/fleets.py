"""A fleet on a virtual clock: reports as literals, and who is linked as a set."""

import random

from balancer.contract import Charge
from balancer.fleet.member import Demand
from balancer.fleet.roster import Roster
from balancer.fleet.view import View
from balancer.placing.policies import PolicySwitch
from balancer.placing.returns.promised_returns import PromisedReturns
from substation.contract import RELEASES_WITHIN_S, Report
from substation.plan import Plan

POLL_S = 1.0
KW = 1000


def report(name: str = "a", load_kw: int = 0, **changed: object) -> Report:
    """A report of 100 kW capacity, at epoch 1 and seq 1, that frees nothing but "some day"."""
    load_w = load_kw * KW
    fields = {
        "substation_id": name,
        "journal_id": f"journal-{name}",
        "epoch": 1,
        "seq": 1,
        "load_w": load_w,
        "capacity_w": 100 * KW,
        "draining": False,
        "releases_w": releases({}, load_w),
    } | changed
    return Report(**fields)  # type: ignore[arg-type]


def releases(freed_w: dict[float, int], load_w: int) -> tuple[int, ...]:
    """A release schedule from the cumulative watts at some of its points."""
    found, schedule = 0, []
    for within_s in RELEASES_WITHIN_S[:-1]:
        found = freed_w.get(within_s, found)
        schedule.append(found)
    return (*schedule, load_w)


class Fleet:
    """A roster and a view of substations that were seen at time 0 and are linked."""

    def __init__(self, *reports: Report, seed: int = 1, book_id: str = "", several: bool = False) -> None:
        self.linked = {each.substation_id for each in reports}
        self.roster = Roster(POLL_S, book_id, several=several)
        self.view = View(self.roster, self.linked.__contains__, PolicySwitch(random.Random(seed)))
        self.promised_returns = PromisedReturns(self.view)
        for each in reports:
            self.roster.addresses.watch(url(each.substation_id))
            self.poll(each)
            self.roster.adopt(each, 0.0)

    def poll(self, seen: Report, now_s: float = 0.0) -> float | None:
        return self.roster.polled(url(seen.substation_id), seen, now_s)

    def miss(self, name: str, times: int = 1) -> None:
        for _ in range(times):
            self.roster.addresses.missed(url(name))

    def choose(self, demand_kw: float = 1, *eligible: str, now_s: float = 0.0) -> str | None:
        candidates = self.view.candidates(eligible, int(demand_kw * KW), now_s, surely=False)
        return self.view.pick(candidates, Demand(int(demand_kw * KW), 3_600_000, now_s))

    def wait_s(self, kw: float = 10, *substations: str, who: str = "car", now_s: float = 0.0) -> float:
        """In how many seconds a refused request should come back."""
        return self.promised_returns.promise(charge(kw, *substations, vehicle=who), now_s)


def charge(kw: float = 10, *substations: str, key: str = "", vehicle: str = "car", hours: int = 1) -> Charge:
    """A request without a taper, for some hours."""
    plan = Plan(int(kw * KW) * 3600 * hours, int(kw * KW), taper=False)
    return Charge(key, "", vehicle, plan, substations)


def full(name: str, freed_kw: dict[float, int]) -> Report:
    """A report of a substation without room, that frees what is given by some points of its schedule."""
    return report(
        name, load_kw=100, releases_w=releases({s: kw * KW for s, kw in freed_kw.items()}, 100 * KW)
    )


def url(name: str) -> str:
    return f"http://{name}:1"
