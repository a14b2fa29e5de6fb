"""The grid on a virtual clock: the real view, policy, ledgers and curves, and no I/O.

Cars arrive at random (Poisson) and charge for a fixed time. Polls and messages take a few
milliseconds, so that every decision is made on a view that is old. A run is a function of its
arguments: the same seed gives the same figures to the last bit.

`python -m tests.unit.balancer.placing.simulation` prints the table of docs/PERFORMANCE.md.
"""

import dataclasses
import heapq
import itertools
import random
from collections.abc import Callable, Iterator, Sequence

from balancer.fleet.member import Demand
from balancer.fleet.roster import Roster
from balancer.fleet.view import View
from balancer.placing.policies import DEFAULT_POLICY, PolicySwitch, policies
from substation.contract import Place, Report, SubstationOutcome
from substation.curve import Curve, Usage
from substation.ledger import Ledger
from substation.plan import Plan
from substation.records import Entry

MOST_ASKED = 4


@dataclasses.dataclass(frozen=True)
class Setup:
    """What is simulated; times in seconds, power in watts."""

    poll_s: float
    policy: str = DEFAULT_POLICY
    capacities_w: tuple[int, ...] = (100_000, 100_000, 100_000)
    powers_w: tuple[int, ...] = (1_100,)  # each as often
    charging_s: float = 10.0
    per_s: float = 20.0
    lasts_s: float = 150.0
    settled_s: float = 30.0  # from here on it is measured
    delay_s: tuple[float, float] = (0.001, 0.006)  # of a message, one way
    balancers: int = 1  # a car comes to any of them, by chance


@dataclasses.dataclass(frozen=True)
class Result:
    """What came out, over time: the average of max / mean utilization, of Jain's index and of max - min."""

    imbalance: float
    jain: float
    span: float
    utilization: float
    highest: float
    placed: int
    refused: int
    refused_at_first: int  # cars whose first substation had no room for them
    admission_overload_wms: int


class Station:
    """A substation's cores, reached by messages."""

    def __init__(self, name: str, capacity_w: int) -> None:
        self.name = name
        self.ledger = Ledger(capacity_w, 0, Usage())
        self._curve: Curve | None = None
        self._seq = itertools.count(1)

    @property
    def curve(self) -> Curve:
        """The load since the last change, as a substation publishes it; made when it is first read."""
        self._curve = self._curve or self.ledger.curve()
        return self._curve

    def report(self, now_ms: int) -> Report:
        curve = self.curve
        return Report(
            self.name,
            "journal",
            1,
            next(self._seq),
            curve.load_at(now_ms),
            curve.capacity_w,
            draining=False,
            releases_w=curve.releases_at(now_ms, 1.0),
        )

    def place(self, key: str, plan: Plan, now_ms: int) -> bool:
        """Decide on a request; one session a key, as no message is doubled here."""
        self.ledger.begin(now_ms)
        entry = Entry(f"{self.name}.{key}", key, plan, now_ms, now_ms, now_ms + plan.duration_ms)
        decision = self.ledger.place(Place("book", key, 0, key, plan), None, entry)
        self.ledger.check()
        self._curve = None
        return decision.outcome is SubstationOutcome.PLACED

    def utilization(self, now_ms: int) -> float:
        return self.curve.load_at(now_ms) / self.ledger.capacity_w


# Which substation to ask, given the demand in watts, and those that refused.
Choice = Callable[["Simulation", int, set[str]], "str | None"]


class Simulation:
    """Events in the order of time; an event is a function that is called at its moment."""

    def __init__(self, setup: Setup, choose: Choice, seed: int, *, reports_on_answers: bool) -> None:
        self.setup = setup
        self.now_s = 0.0
        self.rng = random.Random(seed)
        self.stations = {
            f"s{number}": Station(f"s{number}", capacity_w)
            for number, capacity_w in enumerate(setup.capacities_w)
        }
        self._views = [
            View(Roster(setup.poll_s, several=setup.balancers > 1), lambda _: True, PolicySwitch(self.rng))
            for _ in range(setup.balancers)
        ]
        assert all(view.policy.use(setup.policy) for view in self._views)
        self.view = self._views[0]  # of the balancer that chooses now
        self._choose = choose
        self._reports_on_answers = reports_on_answers
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._samples: list[tuple[float, ...]] = []  # the first four fields of a result
        self._highest = 0.0
        self._placed = self._refused = self._refused_at_first = 0

    @property
    def roster(self) -> Roster:
        """The roster of the balancer that chooses now."""
        return self.view.roster

    def run(self) -> Result:
        for view, name in itertools.product(self._views, self.stations):
            view.roster.addresses.watch(name)
            self._poll(view.roster, name)
        self._at(self._pause(), self._arrive)
        self._at(self.setup.settled_s, self._sample)
        while self._events and self._events[0][0] <= self.setup.lasts_s:
            self.now_s, _, event = heapq.heappop(self._events)
            event()
        imbalance, jain, span, utilization = (
            sum(column) / len(column) for column in zip(*self._samples, strict=True)
        )
        return Result(
            imbalance,
            jain,
            span,
            utilization,
            self._highest,
            self._placed,
            self._refused,
            self._refused_at_first,
            sum(s.ledger.curve().usage.admission_wms for s in self.stations.values()),
        )

    @property
    def now_ms(self) -> int:
        return int(self.now_s * 1000)

    def _at(self, after_s: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now_s + after_s, next(self._order), event))

    def _delay(self) -> float:
        return self.rng.uniform(*self.setup.delay_s)

    def _pause(self) -> float:
        return self.rng.expovariate(self.setup.per_s)

    def _poll(self, roster: Roster, name: str) -> None:
        report = self.stations[name].report(self.now_ms)
        self._at(self._delay(), lambda: self._polled(roster, name, report))
        self._at(self.setup.poll_s * self.rng.uniform(0.95, 1.05), lambda: self._poll(roster, name))

    def _polled(self, roster: Roster, name: str, report: Report) -> None:
        roster.polled(name, report, self.now_s)

    def _arrive(self) -> None:
        self._at(self._pause(), self._arrive)
        powers_w = self.setup.powers_w
        power_w = self.rng.choice(powers_w) if len(powers_w) > 1 else powers_w[0]
        plan = Plan(int(power_w * self.setup.charging_s), power_w)
        self._go_on(self._journey(f"car-{next(self._order)}", plan))

    def _go_on(self, journey: Iterator[None]) -> None:
        """Run a request up to its next message, and on when that has arrived."""
        if next(journey, StopIteration) is not StopIteration:
            self._at(self._delay(), lambda: self._go_on(journey))

    def _journey(self, key: str, plan: Plan) -> Iterator[None]:
        """One request, as placement goes about it; every yield is a message on its way."""
        refused: set[str] = set()
        view = self.rng.choice(self._views) if len(self._views) > 1 else self.view
        for _ in range(MOST_ASKED):
            self.view = view
            name = self._choose(self, plan.power_w, refused)
            if name is None:
                break
            with view.holding(name, plan.power_w):
                yield
                placed = self.stations[name].place(key, plan, self.now_ms)
                report = self.stations[name].report(self.now_ms) if self._reports_on_answers else None
                yield
            if report:
                view.roster.adopt(report, self.now_s)
            if placed:
                view.roster.inflow.placed(name, plan.power_w)
                self._placed += 1
                return
            self._refused_at_first += not refused
            refused.add(name)
        self._refused += 1

    def _sample(self) -> None:
        self._at(0.1, self._sample)
        loads = [station.utilization(self.now_ms) for station in self.stations.values()]
        mean = sum(loads) / len(loads)
        jain = sum(loads) ** 2 / (len(loads) * sum(load**2 for load in loads))
        self._samples.append((max(loads) / mean, jain, max(loads) - min(loads), mean))
        self._highest = max(self._highest, *loads)


def estimated(simulation: Simulation, demand_w: int, refused: set[str]) -> str | None:
    """What the balancer does, by the policy of the setup."""
    view, now_s = simulation.view, simulation.now_s
    return view.pick(view.candidates((), demand_w, now_s, surely=False), Demand(demand_w, 0, now_s))


def oracle(simulation: Simulation, demand_w: int, refused: set[str]) -> str | None:
    """The lowest utilization with the demand, by the true loads of this moment and all that is on its way."""
    members = simulation.roster.members
    with_w = {
        name: station.utilization(simulation.now_ms) * station.ledger.capacity_w
        + members[name].outstanding_w
        + demand_w
        for name, station in simulation.stations.items()
        if name not in refused and name in members
    }
    shares = {name: watts / simulation.stations[name].ledger.capacity_w for name, watts in with_w.items()}
    return min(shares, key=lambda name: (shares[name], simulation.rng.random()), default=None)


def snapshot(simulation: Simulation, demand_w: int, refused: set[str]) -> str | None:
    """The naive way: the lowest load of the last poll."""
    left = [name for name in simulation.roster.members if name not in refused]
    loads = {name: simulation.roster.members[name].report.load_w for name in left}
    return min(left, key=lambda name: (loads[name], simulation.rng.random()), default=None)


def at_random(simulation: Simulation, demand_w: int, refused: set[str]) -> str | None:
    """Uniform among those that did not refuse."""
    left = [name for name in simulation.roster.members if name not in refused]
    return simulation.rng.choice(left) if left else None


def simulate(setup: Setup, choose: Choice, seed: int) -> Result:
    return Simulation(setup, choose, seed, reports_on_answers=choose is estimated).run()


FLEETS = {"equal": (100_000, 100_000, 100_000), "unequal": (50_000, 100_000, 150_000)}


def table(polls_s: Sequence[float] = (1.0, 5.0), seeds: Sequence[int] = range(1, 6)) -> Iterator[str]:
    """Compare the policies: a table in Markdown, of averages over the seeds."""
    yield "| fleet | policy | poll | max/mean | lowest and highest run | Jain | max - min | refused |"
    yield "|---|---|---|---|---|---|---|---|"
    for fleet, policy, poll_s in itertools.product(FLEETS, policies(), polls_s):
        runs = [simulate(Setup(poll_s, policy, FLEETS[fleet]), estimated, seed) for seed in seeds]
        ratios = [run.imbalance for run in runs]
        jain, span, refused, asked = (
            sum(column) / len(runs)
            for column in zip(*((r.jain, r.span, r.refused, r.placed + r.refused) for r in runs), strict=True)
        )
        yield (
            f"| {fleet} | `{policy}` | {poll_s:g} s | {sum(ratios) / len(ratios):.3f} "
            f"| {min(ratios):.3f}, {max(ratios):.3f} | {jain:.4f} | {span:.1%} | {refused / asked:.2%} |"
        )


if __name__ == "__main__":
    for line in table():
        print(line)
