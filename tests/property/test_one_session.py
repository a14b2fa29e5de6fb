"""One session for each vehicle, with two balancers on one order book, and links that delay, drop and repeat.

Everything is real but the network: placement, order book, and the writers and journals of three substations.
"""

import asyncio
import contextlib
import random
import tempfile
import time
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from balancer.book.embedded import EmbeddedBook
from balancer.contract import BalancerAnswer, BalancerOutcome, Charge
from balancer.placing.vehicles import OneSession
from substation.contract import ListSessions, StopSession
from tests.support.desk import Desk
from tests.support.examples import examples
from tests.support.lossy_grid import CAR, NAMES, Network, balancer

WITHIN_S = 0.4  # where messages are lost; else nobody has to give up
OPEN = {"charging", "paused"}
VEHICLES = st.sampled_from(["car-1", "car-1", "car-2"])
ASKED = st.tuples(
    st.sampled_from([0, 1]),  # the balancer
    VEHICLES,
    st.sampled_from(["", "", "k", "l", "m"]),  # the key; with the vehicle it is one request
    st.integers(0, 8),  # turns of the loop until it comes
)
ROUNDS = st.lists(
    st.tuples(st.lists(ASKED, min_size=1, max_size=6), st.sampled_from(["", "", "car-1", "car-2"])),
    min_size=1,
    max_size=3,
)  # and whose session is stopped afterwards


class World:
    """Two balancers, one order book, three substations."""

    def __init__(self, folder: Path, seed: int, loss: float) -> None:
        self._folder = folder
        self._seed = seed
        self._rng = random.Random(seed)
        self._loss = loss
        self.desks = {name: Desk(folder / name / "journal.sqlite", 100_000) for name in NAMES}
        self.admitted: dict[tuple[str, str], str] = {}  # the session of a keyed request

    async def live(self, rounds: list[tuple[list[tuple[int, str, str, int]], str]]) -> None:
        book = EmbeddedBook(self._folder / "orders.sqlite")
        networks = [Network(self.desks, self._rng, self._loss) for _ in range(2)]
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(book.close)
            balancers = [
                await stack.enter_async_context(balancer(book, network, self._seed)) for network in networks
            ]
            for asked, stopped in rounds:
                await asyncio.gather(*(self._ask(balancers[one[0]][0], *one[1:]) for one in asked))
                self.check()
                self._stop(stopped)
            for network in networks:
                await network.settle()
        self.check()

    async def _ask(self, by: OneSession, vehicle: str, key: str, turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        wanted = Charge(f"acme:{vehicle}{key}" if key else "", "f", f"acme:{vehicle}", CAR, (), 0, "acme")
        answer, _ = await by.charge(wanted, time.monotonic() + (WITHIN_S if self._loss else 60))
        self._judge(vehicle, key, answer)

    def _judge(self, vehicle: str, key: str, answer: BalancerAnswer) -> None:
        if answer.outcome is BalancerOutcome.ADMITTED and key:
            assert answer.session
            session_id = self.admitted.setdefault((vehicle, key), answer.session.session_id)
            assert answer.session.session_id == session_id
        if not self._loss:
            assert answer.outcome in {
                BalancerOutcome.ADMITTED,
                BalancerOutcome.VEHICLE_CHARGING,
                BalancerOutcome.NO_CAPACITY,
            }

    def open_sessions(self, vehicle: str) -> list[str]:
        found = [
            desk.ask(ListSessions(0, 1000, f"acme:{vehicle}"))[0].sessions for desk in self.desks.values()
        ]
        return [session.session_id for page in found for session in page if session.state in OPEN]

    def check(self) -> None:
        for vehicle in ("car-1", "car-2"):
            assert len(self.open_sessions(vehicle)) <= 1

    def _stop(self, vehicle: str) -> None:
        for session_id in self.open_sessions(vehicle) if vehicle else ():
            for desk in self.desks.values():
                desk.ask(StopSession(session_id))

    def close(self) -> None:
        for desk in self.desks.values():
            desk.stop()


@given(rounds=ROUNDS, seed=st.integers(0, 2**32), loss=st.sampled_from([0.0, 0.2]))
@settings(max_examples=examples(20))
def test_a_vehicle_never_has_two_sessions_whatever_two_balancers_do_at_once(
    rounds: list[tuple[list[tuple[int, str, str, int]], str]], seed: int, loss: float
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), seed, loss)
        try:
            asyncio.run(world.live(rounds))
        finally:
            world.close()
