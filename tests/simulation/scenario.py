"""What happens in a run, as its seed decides: the grid, the cars that come, and the faults with their times.

All of it is data that is made before the run, so that a run can be repeated with some of its faults left out.
"""

import dataclasses
import random

from substation.plan import Plan

KWH_J = 3_600_000
DATABASE = "d-1"
POWERS_W = (3_700, 7_400, 11_000, 22_000)


@dataclasses.dataclass(frozen=True)
class Fault:
    """One fault: when it begins after the start in seconds, what it is, whom it meets, how long it lasts, and a number."""

    at_s: float
    kind: str
    whom: str
    other: str = ""
    lasts_s: float = 0.0
    number: int = 0

    def __str__(self) -> str:
        other = f" and {self.other}" if self.other else ""
        return f"{self.at_s:6.3f} s: {self.kind} {self.whom}{other} for {self.lasts_s:.3f} s ({self.number})"


@dataclasses.dataclass(frozen=True)
class Car:
    """One car that comes at `at_s`; it asks at these gateways at once, and again at any of them."""

    at_s: float
    vehicle: str
    key: str  # "" for none
    plan: Plan
    gateways: tuple[str, ...]
    max_wait_ms: int
    patience: int  # how often it comes back after a refusal
    hangs_up_s: float  # 0: never
    stops_s: float = 0.0  # after its admission its owner ends the session; 0: never


@dataclasses.dataclass(frozen=True)
class Scenario:
    """A grid, the cars that come, and the faults."""

    seed: int
    capacities_kw: tuple[int, ...]
    gateways: int
    balancer_count: int  # several share one book
    time_scale: float
    lasts_s: float  # of cars and faults
    late: float
    pieces: float
    one_session: bool
    cars: tuple[Car, ...]
    faults: tuple[Fault, ...]

    @property
    def substations(self) -> list[str]:
        return [f"s-{number}" for number in range(1, len(self.capacities_kw) + 1)]

    @property
    def balancers(self) -> list[str]:
        return [f"b-{number}" for number in range(1, self.balancer_count + 1)]

    @property
    def book_is_there(self) -> bool:
        """Whether the order book can be written at all times."""
        return self.balancer_count == 1 and not any(fault.kind == "fill the disk" for fault in self.faults)

    @property
    def stores(self) -> list[str]:
        """Who has a disk."""
        return [*self.substations, DATABASE if self.balancer_count > 1 else "b-1"]

    @property
    def hosts(self) -> list[str]:
        database = [DATABASE] if self.balancer_count > 1 else []
        return [*self.substations, *database, *self.balancers, *self.gateway_names]

    @property
    def gateway_names(self) -> list[str]:
        return [f"g-{number}" for number in range(1, self.gateways + 1)]


def scenario(seed: int) -> Scenario:
    """Return the scenario of a seed."""
    rng = random.Random(f"scenario {seed}")
    count = rng.choice((2, 3, 3, 3, 4))
    gateways = rng.choice((1, 2, 2, 3))
    lasts_s = rng.uniform(3.0, 7.0)
    capacity_kw = rng.choice((30, 45, 60, 100))
    made = Scenario(
        seed,
        tuple(capacity_kw + rng.choice((0, 0, 11)) for _ in range(count)),
        gateways,
        rng.choice((1, 1, 2, 3)),
        rng.choice((30.0, 120.0, 600.0)),
        lasts_s,
        rng.choice((0.0, 0.005, 0.03)),
        rng.choice((0.0, 0.05, 0.3)),
        rng.random() < 0.15,
        (),
        (),
    )
    cars = tuple(_cars(rng, made))
    faults = tuple(sorted(_faults(rng, made), key=lambda fault: fault.at_s))
    return dataclasses.replace(made, cars=cars, faults=faults)


def _cars(rng: random.Random, of: Scenario) -> list[Car]:
    cars: list[Car] = []
    at_s = 1.2
    keyed_share, names = rng.choice((0.5, 0.8, 1.0)), of.gateway_names
    while at_s < of.lasts_s:
        number = len(cars) + 1
        keyed = rng.random() < keyed_share
        vehicle = f"v{number if not of.one_session or rng.random() < 0.6 else rng.randint(1, number)}"
        copies = rng.choice((1, 1, 1, 2, 3)) if keyed else 1
        cars.append(
            Car(
                at_s,
                vehicle,
                f"anonymous:k{number}" if keyed else "",
                Plan(int(rng.uniform(0.05, 3) * KWH_J), rng.choice(POWERS_W)),
                tuple(rng.choice(names) for _ in range(copies)),
                rng.choice((0, 0, 0, 3000)),
                rng.choice((0, 1, 2)),
                rng.uniform(0.001, 0.6) if rng.random() < 0.2 else 0.0,
                rng.uniform(0.05, 2.0) if rng.random() < 0.1 else 0.0,
            )
        )
        at_s += rng.expovariate(rng.choice((4, 4, 30)))
    return cars


def _faults(rng: random.Random, of: Scenario) -> list[Fault]:
    """Return the faults; a kind that a seed does not have lets others be seen."""
    kinds = [kind for kind in KINDS if rng.random() < 0.6]
    if not kinds or rng.random() < 0.03:
        return []
    rate = rng.choice((0.5, 1.0, 2.5))
    faults, at_s = [], 0.8
    while (at_s := at_s + rng.expovariate(rate)) < of.lasts_s:
        faults.append(_fault(rng, of, at_s, rng.choice(kinds)))
    return faults


KINDS = (
    "crash substation",
    "crash balancer",
    "crash gateway",
    "crash database",
    "tear a commit",
    "break",
    "cut off",
    "cut off one way",
    "stall the disk",
    "stop",
    "move the clock",
    "drain",
    "derate",
    "base load",
    "fill the disk",
    "another disk",
)


def _fault(rng: random.Random, of: Scenario, at_s: float, kind: str) -> Fault:
    substation, gateway = rng.choice(of.substations), rng.choice(of.gateway_names)
    balancer = rng.choice(of.balancers)
    anyone = rng.choice(of.hosts)
    store = rng.choice((substation, rng.choice(of.stores)))
    pairs = [(gateway, balancer), (balancer, substation), (balancer, substation)]
    pairs += [(balancer, DATABASE)] if of.balancer_count > 1 else []
    pair = rng.choice(pairs)
    one_way = pair if rng.random() < 0.5 else pair[::-1]
    short_s, long_s = rng.uniform(0.05, 1.0), rng.uniform(0.1, 4.0)
    whom: tuple[str, ...] = {
        "crash substation": (substation,),
        "crash balancer": (balancer,),
        "crash database": (of.stores[-1],),
        "crash gateway": (gateway,),
        "tear a commit": (store,),
        "stall the disk": (store,),
        "fill the disk": (store,),
        "break": pair,
        "cut off": pair,
        "cut off one way": one_way,
        "stop": (anyone,),
        "move the clock": (anyone,),
    }.get(kind, (substation,))
    brief = kind in {"crash balancer", "crash gateway", "crash database", "tear a commit"}
    name = "crash" if kind.startswith("crash") else kind
    other = whom[1] if len(whom) > 1 else ""
    return Fault(at_s, name, whom[0], other, short_s if brief else long_s, rng.randint(0, 1_000_000))
