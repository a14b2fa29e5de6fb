"""An order book that several balancers share: a model of the one in PostgreSQL, held to the tests of the contract.

The server keeps the tables in SQLite, by the statements of the embedded book: what one balancer writes, another reads. What is a
model's is the way there: a call may not arrive, or its answer may be lost after it was carried out.
"""

import dataclasses
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from balancer.book.embedded import EmbeddedBook
from balancer.book.lease import Lease
from balancer.book.protocol import Address, BookUnavailable, Claim, Control, Hold, Reached, Withdrawal

REACHED_S = 15.0  # from when a balancer said it last: see balancer/book/postgres/reach.py
GONE_S = 15.0  # after which what a balancer has left is another's: see balancer/book/postgres/ageing.py

# Carries a call to the server and its result back; raises BookUnavailable when one of the two is lost.
Carry = Callable[[Callable[["BookServer"], Awaitable[Any]]], Awaitable[Any]]


class BookServer:
    """The tables, and which balancer asks for which withdrawal."""

    def __init__(self, book: EmbeddedBook, monotonic_s: Callable[[], float]) -> None:
        self.book = book
        self._monotonic_s = monotonic_s
        self._seen_s: dict[str, float] = {}  # balancers, and when each called last
        self._asked_by: dict[str, str] = {}
        self._reached: dict[str, tuple[float, frozenset[Reached]]] = {}  # by balancer, with when it said so

    def reaches(self, balancer_id: str, reached: frozenset[Reached]) -> None:
        self._reached[balancer_id] = self._monotonic_s(), reached

    def reached_by_others(self, balancer_id: str) -> frozenset[Reached]:
        """Return what other balancers reach that have said so of late."""
        since_s = self._monotonic_s() - REACHED_S
        said = [
            reached
            for name, (at_s, reached) in self._reached.items()
            if name != balancer_id and at_s > since_s
        ]
        return frozenset().union(*said)

    def saw(self, balancer_id: str) -> None:
        self._seen_s[balancer_id] = self._monotonic_s()

    async def withdraw(self, balancer_id: str, withdrawal: Withdrawal) -> None:
        self._asked_by.setdefault(withdrawal.key, balancer_id)
        await self.book.withdraw(withdrawal)

    async def withdrawals(self, balancer_id: str) -> list[Withdrawal]:
        """Return those of a balancer, and those of balancers that are gone, which are its own from now on."""
        found = []
        now_s = self._monotonic_s()
        for each in await self.book.withdrawals():
            other = self._asked_by.get(each.key, "")
            if other in {"", balancer_id} or now_s - self._seen_s.get(other, 0.0) > GONE_S:
                self._asked_by[each.key] = balancer_id
                found.append(each)
        return found


@dataclasses.dataclass
class SharedBook:
    """One balancer's end: see balancer.book.protocol.KeptBook."""

    balancer_id: str
    book_id: str
    carry: Carry
    kept_anyway_ms: int = EmbeddedBook.kept_anyway_ms
    shared: bool = True
    trouble: str = ""

    async def claim(
        self, key: str, fingerprint: str, target: str | None, journal_id: str = ""
    ) -> Claim | None:
        found: Claim | None = await self._call(lambda s: s.book.claim(key, fingerprint, target, journal_id))
        return found

    async def advance(self, claim: Claim, target: str, journal_id: str = "") -> Claim:
        found: Claim = await self._call(lambda s: s.book.advance(claim, target, journal_id))
        return found

    async def release(self, claim: Claim) -> None:
        await self._call(lambda s: s.book.release(claim))

    async def keep(self, key: str, for_ms: int) -> None:
        await self._call(lambda s: s.book.keep(key, for_ms))

    async def withdraw(self, withdrawal: Withdrawal) -> None:
        await self._call(lambda s: s.withdraw(self.balancer_id, withdrawal))

    async def withdrawn(self, key: str) -> None:
        await self._call(lambda s: s.book.withdrawn(key))

    async def withdrawals(self) -> list[Withdrawal]:
        found: list[Withdrawal] = await self._call(lambda s: s.withdrawals(self.balancer_id))
        return found

    async def prune(self) -> int:
        dropped: int = await self._call(lambda s: s.book.prune())
        return dropped

    async def holder(self, vehicle: str) -> Hold | None:
        found: Hold | None = await self._call(lambda s: s.book.holder(vehicle))
        return found

    async def hold(self, wanted: Hold, known: Hold | None, for_ms: int) -> Hold:
        found: Hold = await self._call(lambda s: s.book.hold(wanted, known, for_ms))
        return found

    async def control(self) -> Control:
        found: Control = await self._call(lambda s: s.book.control())
        return found

    async def set_policy(self, policy: str) -> None:
        await self._call(lambda s: s.book.set_policy(policy))

    async def take_rushhour(self, wanted: Lease, unix_ms: int) -> Lease:
        found: Lease = await self._call(lambda s: s.book.take_rushhour(wanted, unix_ms))
        return found

    async def end_rushhour(self, run_id: str) -> None:
        await self._call(lambda s: s.book.end_rushhour(run_id))

    async def decommission(self, substation_id: str, journal_id: str) -> None:
        await self._call(lambda s: s.book.decommission(substation_id, journal_id))

    async def follow(self, former_id: str) -> None:
        await self._call(lambda s: s.book.follow(former_id))

    async def journals(self, substation_id: str) -> frozenset[str]:
        found: frozenset[str] = await self._call(lambda s: s.book.journals(substation_id))
        return found

    async def saw(self, addresses: Collection[Address]) -> None:
        await self._call(lambda s: s.book.saw(addresses))

    async def reaches(self, reached: Collection[Reached]) -> None:
        async def say(server: BookServer) -> None:
            server.reaches(self.balancer_id, frozenset(reached))

        await self._call(say)

    async def reached_by_others(self) -> frozenset[Reached]:
        async def read(server: BookServer) -> frozenset[Reached]:
            return server.reached_by_others(self.balancer_id)

        found: frozenset[Reached] = await self._call(read)
        return found

    def waiting_for(self) -> list[str]:
        return [f"the order book: {self.trouble}"] if self.trouble else []

    async def probe(self) -> None:
        if self.trouble:
            await self.control()

    async def close(self) -> None:
        """Nothing is kept here."""

    async def _call(self, work: Callable[[BookServer], Awaitable[Any]]) -> Any:
        async def seen(server: BookServer) -> Any:
            server.saw(self.balancer_id)
            return await work(server)

        try:
            result = await self.carry(seen)
        except BookUnavailable as error:
            self.trouble = str(error)
            raise
        self.trouble = ""
        return result
