"""A grid on a virtual clock: real ledgers, roster, view, policies and forecasts, and no I/O.

A grid second takes 1/SCALE s. A substation is polled when a car asks and its last report is older than POLL_S. Messages take no
time: cars are minutes apart.
"""

import dataclasses
import itertools
import random
from collections.abc import Callable, Sequence

from balancer.fleet.member import Demand
from balancer.fleet.roster import Roster
from balancer.fleet.view import View
from balancer.forecast.calendar_days import SLOT_MS
from balancer.forecast.model import Step
from balancer.placing.policies import PolicySwitch
from balancer.placing.predictive.choice import ForecastChoice
from balancer.placing.predictive.grid_time import GridTime
from balancer.placing.predictive.outlooks import cautious_w
from balancer.placing.predictive.peaks import BaseForecast, Outlook
from substation.contract import Place, Report, SubstationOutcome
from substation.curve import Usage
from substation.ledger import Ledger
from substation.outlook import BaseLoadOutlook
from substation.records import Entry
from tests.study.days import STEPS, Car, CarLoads, World

SCALE = 60.0
POLL_S = 1.0
MOST_ASKED = 4


@dataclasses.dataclass(frozen=True)
class Room:
    """By what a car is admitted beyond the present load: an outlook, and a share of the limit that stays free."""

    outlook: BaseLoadOutlook | None = None
    margin: float = 0.0


Admission = Callable[[World, int, int], Room]  # by the number of the substation and the grid time


def by_now(world: World, number: int, now_ms: int) -> Room:
    """The present load alone."""
    return Room()


BaseCourse = Callable[
    [World, int, int], Sequence[float]
]  # as Admission; the base load from a quarter hour on, in watts


def cautiously(world: World, number: int, slot: int) -> Sequence[float]:
    """Between the mean of the forecast and its upper bound, as the balancer places by it."""
    made, limit_w = world.forecasts[number][slot - world.first_slot], world.limits_w[number]
    return [
        cautious_w(Step(0, mean, 0.0, upper), limit_w)
        for mean, upper in zip(made.mean, made.upper, strict=True)
    ]


def by_upper(world: World, number: int, slot: int) -> Sequence[float]:
    """The upper bound of the forecast."""
    return world.forecasts[number][slot - world.first_slot].upper


def by_mean(world: World, number: int, slot: int) -> Sequence[float]:
    """The mean of the forecast."""
    return world.forecasts[number][slot - world.first_slot].mean


def knowing(world: World, number: int, slot: int) -> Sequence[float]:
    """What really comes."""
    return world.base_w[number][slot : slot + STEPS]


class Station:
    """A substation's ledger under its base load."""

    def __init__(self, name: str, limit_w: int, base_w: Callable[[int], float], start_ms: int) -> None:
        self.name = name
        self.ledger = Ledger(limit_w, start_ms, Usage())
        self.cars = CarLoads()
        self._base_w = base_w
        self._seq = itertools.count(1)

    def report(self, now_ms: int) -> Report:
        self._begin(now_ms)
        curve = self.ledger.curve()
        return Report(
            self.name,
            "journal",
            1,
            next(self._seq),
            curve.load_w,
            curve.capacity_w,
            draining=False,
            releases_w=curve.releases_at(now_ms, SCALE),
            rated_w=curve.capacity_w,
            base_load_w=self.ledger.base_w,
        )

    def place(self, key: str, car: Car, room: Room) -> bool:
        self._begin(car.at_ms)
        self.ledger.outlook = room.outlook
        if self.ledger.base_w + self.ledger.load_w + car.plan.power_w > self.ledger.capacity_w * (
            1 - room.margin
        ):
            return False
        entry = Entry(
            f"{self.name}.{key}", key, car.plan, car.at_ms, car.at_ms, car.at_ms + car.plan.duration_ms
        )
        decision = self.ledger.place(Place("book", key, 0, key, car.plan), None, entry)
        if decision.outcome is not SubstationOutcome.PLACED:
            return False
        self.cars.add(car.at_ms, car.plan)
        return True

    def _begin(self, now_ms: int) -> None:
        self.ledger.begin(now_ms, round(self._base_w(now_ms // SLOT_MS)))


@dataclasses.dataclass(frozen=True)
class Run:
    """What came of one run: the highest utilization of each day, by base load and cars, and how cars were answered."""

    peaks: tuple[float, ...]
    placed: int
    refused: int
    by_forecast: int  # decisions that the forecast made
    overload_minutes: float = 0.0


class Grid:
    """The substations of a world, and a balancer that places by a policy."""

    def __init__(
        self,
        world: World,
        policy: str,
        seed: int,
        *,
        base: BaseCourse = cautiously,
        admission: Admission = by_now,
    ) -> None:
        """`base` is the base load to come by which `predictive` places; `knowing` is always trusted."""
        self.world = world
        self.stations = {
            f"s{number}": Station(
                f"s{number}", limit_w, world.base_w[number].__getitem__, world.first_slot * SLOT_MS
            )
            for number, limit_w in enumerate(world.limits_w)
        }
        self.roster = Roster(POLL_S)
        self.choice = ForecastChoice(self.roster.members)
        self.view = View(self.roster, lambda _: True, PolicySwitch(random.Random(seed), self.choice))
        assert self.view.policy.use(policy)
        self._base = base
        self._admission = admission
        self._time = GridTime(0, 0.0, SCALE)
        self._slot = world.first_slot - 1
        self._placed = self._refused = self._by_forecast = 0

    def run(self, cars: list[Car]) -> Run:
        for number, car in enumerate(cars):
            if car.at_ms < self.world.end_slot * SLOT_MS:
                self._pass_time(car.at_ms // SLOT_MS)
                self._arrive(f"car-{number}", car)
        return self._result()

    def poll(self, now_ms: int, now_s: float) -> None:
        """Take the reports of the substations whose last one is old."""
        for name, station in self.stations.items():
            member = self.roster.members.get(name)
            if not member or now_s - member.received_s >= POLL_S:
                self.roster.addresses.watch(name)
                self.roster.polled(name, station.report(now_ms), now_s)

    def _pass_time(self, slot: int) -> None:
        if slot > self._slot:  # what was made in between would be replaced before anybody asks
            self._learn(slot)
            self._slot = slot

    def _learn(self, slot: int) -> None:
        """Take the forecasts that were made when the quarter hour before `slot` was finished."""
        world, forecasts, means, upper, bad = self.world, {}, {}, {}, []
        for number, name in enumerate(self.stations):
            made = world.forecasts[number][slot - world.first_slot]
            forecasts[name] = BaseForecast(slot, tuple(self._base(world, number, slot)))
            means[name] = BaseForecast(slot, tuple(made.mean))
            upper[name] = BaseForecast(slot, tuple(made.upper))
            bad += [] if made.good or self._base is knowing else [name]
        self.choice.show(Outlook(self._time, forecasts, frozenset(bad), means, upper))

    def _arrive(self, key: str, car: Car) -> None:
        now_s = self._time.start_s(0) + car.at_ms / 1000 / SCALE
        self.poll(car.at_ms, now_s)
        demand, refused = Demand(car.plan.power_w, car.plan.duration_ms, now_s), set[str]()
        for _ in range(MOST_ASKED):
            candidates = self.view.candidates((), demand.power_w, now_s, surely=False)
            asked = self.view.pick(candidates, demand, lambda each: each not in refused)
            if asked is None:
                break
            self._by_forecast += self.view.policy.name == "predictive" and not self.choice.doubt(now_s)
            station = self.stations[asked]
            placed = station.place(key, car, self._admission(self.world, int(asked[1:]), car.at_ms))
            self.roster.adopt(self.stations[asked].report(car.at_ms), now_s)
            if placed:
                self._placed += 1
                return
            refused.add(asked)
        self._refused += 1

    def _result(self) -> Run:
        world = self.world
        peaks, over_ms = [0.0] * world.days, 0
        for number, station in enumerate(self.stations.values()):
            limit_w = world.limits_w[number]
            for at, parts in enumerate(station.cars.by_slot(world.first_slot, world.end_slot)):
                base_w = world.base_w[number][world.first_slot + at]
                day = at * SLOT_MS // (24 * 3_600_000)
                peaks[day] = max(peaks[day], *((base_w + load_w) / limit_w for load_w, _ in parts))
                over_ms += sum(ms for load_w, ms in parts if base_w + load_w > limit_w)
        return Run(tuple(peaks), self._placed, self._refused, self._by_forecast, over_ms / 60_000)
