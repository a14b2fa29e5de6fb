"""Which faults come when, by a seed."""

import random
from collections.abc import Callable, Iterator, Sequence

from tests.chaos.faults import (
    BadDisk,
    ClockMoved,
    Database,
    Fault,
    Frozen,
    Killed,
    Link,
    NoDescriptors,
    PacketsDropped,
    WrongDisk,
    kind,
)
from tests.chaos.grid import FaultyGrid
from tests.support.fault_shim import Disk, Point
from tests.support.faulty_link import Trouble
from tests.support.several_balancers import GATEWAYS, SUBSTATIONS

Round = tuple[list[Fault], float]  # at once, and for how many seconds
TROUBLES: dict[str, Callable[[random.Random], Trouble]] = {
    "latency": lambda draw: Trouble(latency_s=draw.uniform(0.05, 0.5)),
    "drip": lambda draw: Trouble(drip=draw.choice((200, 1000, 5000))),
    "reset": lambda _: Trouble(cut_after=0),
    "cut in a message": lambda draw: Trouble(cut_after=draw.randrange(1, 400)),
    "black hole": lambda _: Trouble(hold_up=True, hold_down=True),
    "one way, no requests": lambda _: Trouble(hold_up=True),
    "one way, no answers": lambda _: Trouble(hold_down=True),
    "refused": lambda _: Trouble(cut_after=0, refuse=True),
}
ONLY_KILLS, WITH_A_KILL = 0.75, 0.5  # of the rounds
AT_ONCE = (2, 3, 4)
MOST_CALLS = {"admin_ui": 2}  # until a failpoint; the console does little
SHORT_S, LONG_S = 0.3, 3.0
FILE_POINTS = (Point.BEFORE_SYNC, Point.AFTER_SYNC, Point.BEFORE_WRITE, Point.AFTER_WRITE)
SOCKET_POINTS = (Point.BEFORE_SEND, Point.AFTER_SEND, Point.BEFORE_RECEIVE, Point.AFTER_RECEIVE)


def rounds(grid: FaultyGrid, draw: random.Random, *, packets: bool) -> Iterator[Round]:
    """Yield rounds without an end: kills of up to four processes at once, or another fault or two with a kill or none."""
    others = _others(grid, packets=packets)
    while True:
        if draw.random() < ONLY_KILLS:
            names = draw.sample(grid.names, draw.choice(AT_ONCE))
            yield [killed(grid, name, draw) for name in names], 0.0
        else:
            drawn = [draw.choice(others)(draw) for _ in range(draw.choice((1, 2)))]
            if draw.random() < WITH_A_KILL:
                drawn.append(killed(grid, draw.choice(grid.names), draw))
            places = {_place(fault): fault for fault in drawn}
            yield list(places.values()), draw.uniform(SHORT_S, LONG_S)


def _place(fault: Fault) -> str:
    """Return the process or link of a fault: two faults of one place would end each other."""
    return str(getattr(fault, "process", "") or getattr(fault, "link", ""))


def points(grid: FaultyGrid, name: str) -> Sequence[Point]:
    """Return the failpoints of a process: those of files where it commits to SQLite."""
    commits = kind(name) == "substation" or (kind(name) == "balancer" and not grid.database)
    return (*FILE_POINTS, *SOCKET_POINTS) if commits else SOCKET_POINTS


def killed(grid: FaultyGrid, name: str, draw: random.Random) -> Fault:
    """Return the kill of a process at a random failpoint."""
    return Killed(name, draw.choice(points(grid, name)), _calls(name, draw))


def _calls(name: str, draw: random.Random) -> int:
    return draw.randint(1, MOST_CALLS.get(kind(name), 20))


def _others(grid: FaultyGrid, *, packets: bool) -> list[Callable[[random.Random], Fault]]:
    """Return what draws a fault of each kind but kills."""
    commits = [name for name in grid.names if any(point in FILE_POINTS for point in points(grid, name))]

    def frozen(draw: random.Random) -> Fault:
        name = draw.choice(grid.names)
        return Frozen(name, draw.choice(points(grid, name)), _calls(name, draw))

    def link(draw: random.Random) -> Fault:
        how = draw.choice(list(TROUBLES))
        return Link(draw.choice(list(grid.links)), TROUBLES[how](draw), how)

    def disk(draw: random.Random) -> Fault:
        return BadDisk(draw.choice(commits), draw.choice(list(Disk)[1:]))

    def wrong(draw: random.Random) -> Fault:
        one, other = draw.sample(SUBSTATIONS, 2)
        return WrongDisk(one, other)

    def clock(draw: random.Random) -> Fault:
        return ClockMoved(draw.choice(grid.names), draw.choice((-86_400.0, -30.0, 30.0, 86_400.0)))

    def descriptors(draw: random.Random) -> Fault:
        name = draw.choice((*GATEWAYS, *grid.balancers, *SUBSTATIONS))
        into = [link for link in grid.links if f"to {name}" in link]
        return NoDescriptors(name, draw.choice(into))

    found: list[Callable[[random.Random], Fault]] = [frozen, link, link, disk, wrong, clock, descriptors]
    if grid.database:
        found.append(lambda draw: Database(frozen=draw.random() < 0.5))
    if packets:
        found.append(
            lambda draw: PacketsDropped(draw.choice(grid.names), draw.choice(("--dport", "--sport")))
        )
    return found


def every_link(grid: FaultyGrid) -> list[Fault]:
    """Return each trouble of one link of each kind."""
    of_kind = {" ".join(kind(word) for word in name.split()): name for name in grid.links}
    draw = random.Random(0)
    return [Link(name, made(draw), how) for name in of_kind.values() for how, made in TROUBLES.items()]
