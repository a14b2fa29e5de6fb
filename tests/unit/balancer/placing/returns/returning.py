"""Cars that are refused and come back when they were told, on a virtual clock: real seats, view, ledgers and plans.

Every refusal is held against what first come, first served would have told, by the true plans: the
sessions that run, and before the car all that were refused before it and are still expected.

`python -m tests.unit.balancer.placing.returns.returning` prints the table of docs/adr/0018.
"""

import dataclasses
import heapq
import itertools
import math
import random
import statistics
from collections.abc import Callable, Iterator, Sequence

from balancer.contract import Charge
from balancer.fleet.roster import Roster
from balancer.fleet.view import View
from balancer.placing.decisions import Decisions
from balancer.placing.policies import PolicySwitch
from balancer.placing.seating.seats import Seats
from balancer.placing.seating.waiting_room import WaitingRoom
from substation.contract import Report, Session, SessionState
from substation.plan import Plan
from tests.support.fcfs import End, first_come_first_served
from tests.unit.balancer.placing.simulation import Station

DELAY_S = (0.001, 0.006)  # of a message, one way
LATE_S = (0.01, 0.3)  # how late a car is that was told to come back
MOST_TRIES = 30


@dataclasses.dataclass(frozen=True)
class Setup:
    """What is simulated: sessions of a kind, cars that arrive all at once or over a while; times in seconds.

    `returning` is the share of the refused that ever come back.
    """

    kind: str
    arrivals: str
    capacities_w: tuple[int, ...] = (150_000, 150_000, 150_000)
    poll_s: float = 1.0
    returning: float = 1.0


@dataclasses.dataclass
class Car:
    """One car, with the moments at which it was refused, what it was told and what would have been fair."""

    charge: Charge
    number: int
    returns: bool
    told: list[tuple[float, float]] = dataclasses.field(default_factory=list)  # (seconds, seconds by FCFS)
    admitted_s: float | None = None


def equal(rng: random.Random) -> Plan:
    return Plan(11_000 * 40, 11_000)


def mixed(rng: random.Random) -> Plan:
    """As in a rush hour of 120 grid seconds a second."""
    power_w = rng.choices((3_700, 7_400, 11_000, 22_000), (10, 25, 45, 20))[0]
    energy_kwh = min(80.0, max(3.0, rng.lognormvariate(math.log(20) - 0.125, 0.5)))
    stay_s = min(720.0, max(20.0, rng.lognormvariate(math.log(180), 0.5))) / 2
    return Plan(int(energy_kwh * 3.6e6 / 120), power_w, int(stay_s * 1000))


def long_tailed(rng: random.Random) -> Plan:
    """Most are short, and a few take a hundred times as long."""
    power_w = rng.choice((5_000, 11_000, 11_000, 22_000))
    return Plan(int(power_w * min(3000.0, rng.lognormvariate(math.log(15), 1.3))), power_w)


KINDS: dict[str, Callable[[random.Random], Plan]] = {
    "equal": equal,
    "mixed": mixed,
    "long-tailed": long_tailed,
}


class Grid:
    """Substations, a balancer's seats, and cars; an event is a function that is called at its moment."""

    def __init__(self, setup: Setup, seed: int) -> None:
        self.setup = setup
        self.now_s = 0.0
        self.rng = random.Random(seed)
        self.stations = {f"s{n}": Station(f"s{n}", watts) for n, watts in enumerate(setup.capacities_w)}
        self.roster = Roster(setup.poll_s)
        view = View(self.roster, lambda _: True, PolicySwitch(random.Random(seed)))
        self.seats = Seats(view, Decisions(), WaitingRoom(0), lambda: self.now_s)
        self.cars: list[Car] = []
        self.used_ws = 0.0
        self._expected: dict[int, Car] = {}  # those who are on their way, or were refused and will come back
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def run(self, arrivals_s: Sequence[float]) -> list[Car]:
        """Let cars arrive, and go on until the last one is in."""
        for name in self.stations:
            self.roster.addresses.watch(name)
            self._poll(name)
        for number, at_s in enumerate(arrivals_s):
            plan = KINDS[self.setup.kind](self.rng)
            charge = Charge(f"key-{number}", "", f"car-{number}", plan)
            car = Car(charge, number, self.rng.random() < self.setup.returning)
            self.cars.append(car)
            self._at(at_s, lambda car=car: self._go_on(self._ask(car)))  # type: ignore[misc]
        coming = len(self.cars)
        while coming and self._events:
            self.now_s, _, event = heapq.heappop(self._events)
            event()
            coming = sum(1 for car in self.cars if car.admitted_s is None and self._comes(car))
        return self.cars

    @staticmethod
    def _comes(car: Car) -> bool:
        return not car.told or (car.returns and len(car.told) < MOST_TRIES)

    def _at(self, after_s: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now_s + after_s, next(self._order), event))

    def _poll(self, name: str) -> None:
        report = self.stations[name].report(int(self.now_s * 1000))
        self._at(self.rng.uniform(*DELAY_S), lambda: self._polled(name, report))
        self._at(self.setup.poll_s * self.rng.uniform(0.95, 1.05), lambda: self._poll(name))

    def _polled(self, name: str, report: Report) -> None:
        self.roster.polled(name, report, self.now_s)

    def _go_on(self, journey: Iterator[None]) -> None:
        if next(journey, StopIteration) is not StopIteration:
            self._at(self.rng.uniform(*DELAY_S), lambda: self._go_on(journey))

    def _ask(self, car: Car) -> Iterator[None]:
        """One request, as placement goes about it; every yield is a message on its way."""
        for attempt in range(4):
            seat = self.seats.now(car.charge, attempt)
            if seat is None:
                break
            with seat:
                self._expected[car.number] = car
                yield
                station, now_ms = self.stations[seat.target], int(self.now_s * 1000)
                self._expected.pop(car.number, None)
                placed = station.place(f"{car.charge.key}-{attempt}", car.charge.plan, now_ms)
                report = station.report(now_ms)
                yield
                self.roster.adopt(report, self.now_s)
            if placed:
                car.admitted_s = self.now_s
                self.seats.admitted(car.charge, seat, self._session(car, seat.target, now_ms))
                return
        self._refuse(car)

    def _session(self, car: Car, name: str, now_ms: int) -> Session:
        plan = car.charge.plan
        end_ms = now_ms + plan.duration_ms
        return Session("id", name, car.charge.vehicle_id, SessionState.CHARGING, plan, 0, now_ms, end_ms)

    def _refuse(self, car: Car) -> None:
        self._expected.pop(car.number, None)
        fair_s = self._first_come_first_served(car) - self.now_s
        wait_s = math.ceil(self.seats.retry_after_s(car.charge))  # as the gateway says it
        car.told.append((wait_s, fair_s))
        if car.returns and self._comes(car):
            self._expected[car.number] = car
            self._at(wait_s + self.rng.uniform(*LATE_S), lambda: self._go_on(self._ask(car)))

    def _first_come_first_served(self, car: Car) -> float:
        """Return when a car gets in if all who were refused before it are served in their order."""
        ahead = [self._expected[n] for n in sorted(self._expected) if n < car.number]
        queue = [
            [(after_ms / 1000, watts) for after_ms, watts in each.charge.plan.releases()]
            for each in (*ahead, car)
        ]
        return first_come_first_served(self.now_s, *self._running(), queue)

    def _running(self) -> tuple[dict[str, int], list[End]]:
        """Return the free watts of each substation, and what it will free at which moments."""
        free_w, ends = {}, []
        for name, station in self.stations.items():
            curve = station.ledger.curve()
            now_ms = int(self.now_s * 1000)
            free_w[name] = curve.capacity_w - curve.load_at(now_ms)
            later = (release for release in curve.releases if release.at_ms > now_ms)
            ends += [(release.at_ms / 1000, name, release.freed_w) for release in later]
        return free_w, ends


ARRIVALS: dict[str, Callable[[random.Random], list[float]]] = {
    # Everybody within two seconds, three times what the fleet can take.
    "burst": lambda rng: sorted(rng.uniform(2, 4) for _ in range(120)),
    # Over two minutes, some 1.3 times what it can take.
    "rush": lambda rng: sorted(rng.uniform(2, 122) for _ in range(165)),
}


def simulate(setup: Setup, seed: int) -> list[Car]:
    grid = Grid(setup, seed)
    return grid.run(ARRIVALS[setup.arrivals](random.Random(seed)))


@dataclasses.dataclass(frozen=True)
class Figures:
    """What came out: how many were refused, which share of all returns got in, and how long the told waits were.

    `longest` is the highest ratio of a told wait, less `GRACE_S`, to the fair one.
    """

    refused: int
    got_in: float
    got_in_first: float
    longest: float
    median: float
    most_s: float


GRACE_S = 3.0  # two polls, as the view is that old, and the whole second to which Retry-After is rounded


def figures(cars: Sequence[Car]) -> Figures:
    refused = [car for car in cars if car.told]
    back = [car for car in refused if car.returns]
    tries = sum(len(car.told) for car in back)
    told = [each for car in refused for each in car.told]
    ratios = [(wait_s - GRACE_S) / max(fair_s, 1e-3) for wait_s, fair_s in told]
    return Figures(
        len(refused),
        sum(car.admitted_s is not None for car in back) / max(1, tries),
        sum(len(car.told) == 1 and car.admitted_s is not None for car in back) / max(1, len(back)),
        max(ratios),
        statistics.median(wait_s / max(fair_s, 1e-3) for wait_s, fair_s in told),
        max(wait_s for wait_s, _ in told),
    )


def main() -> None:
    for kind, arrivals in itertools.product(KINDS, ARRIVALS):
        for seed in range(1, 6):
            got = figures(simulate(Setup(kind, arrivals), seed))
            print(f"{kind:12} {arrivals:6} {seed} {got}")


if __name__ == "__main__":
    main()
