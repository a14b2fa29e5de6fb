"""The protocol of order books, which record where each key was sent, and the sessions still to be withdrawn.

Pure: this is the contract alone; `balancer/book/embedded.py` and `balancer/book/postgres/book.py` implement it. Every
method of a book returns after its commit.
"""

import dataclasses
from collections.abc import Collection
from typing import Protocol

from balancer.book.lease import Lease
from runtime.values import value


class BookUnavailable(Exception):
    """The book can't be written: nothing may be claimed."""


@value(frozen=True, slots=True)
class Claim:
    """A key's place in the book: it was sent to `target` as `attempt`.

    `target` is '' when it refused this attempt and no other substation was asked since. `journal_id` is that of
    the target when it was chosen, '' if it is not known. `fresh` is whether the key was new to the book when
    this was returned.
    """

    key: str
    fingerprint: str
    attempt: int
    target: str
    journal_id: str = ""
    fresh: bool = dataclasses.field(default=False, compare=False)


@value(frozen=True, slots=True)
class Withdrawal:
    """A session whose caller does not know of it, to be ended at `target`, in `journal_id` ('': not known)."""

    key: str
    attempt: int
    target: str
    journal_id: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Address:
    """The substation that was seen last at a base URL."""

    url: str
    substation_id: str
    journal_id: str


@dataclasses.dataclass(frozen=True, slots=True)
class Control:
    """The state that all balancers share: the operators' policy ('' for the default), and decommissioned journals.

    `rushhour` is the newest lease, which may have ended; `addresses` are the substations last seen at each URL.
    `former` are the ids of order books that this one follows: it takes over their substations.
    """

    policy: str
    decommissioned: frozenset[tuple[str, str]]
    rushhour: Lease | None = None
    addresses: frozenset[Address] = frozenset()
    former: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True, slots=True)
class Hold:
    """A vehicle is held for the request `key`, which was sent to `target` as `attempt`."""

    vehicle: str
    key: str
    attempt: int
    target: str
    journal_id: str


Reached = tuple[str, str]  # a substation that a balancer reaches, and its journal


class Holds(Protocol):
    """The part of an order book that says where vehicles charge; its methods may raise BookUnavailable."""

    async def holder(self, vehicle: str) -> Hold | None:
        """Return the hold on a vehicle."""

    async def hold(self, wanted: Hold, known: Hold | None, for_ms: int) -> Hold:
        """Hold a vehicle that is not held, or replace the hold `known`, for a day after the next `for_ms`.

        A request that already holds the vehicle may only move to a later attempt. Returns the hold that is
        then in the book.
        """


class OrderBook(Holds, Protocol):
    """The order book as placement needs it, wherever it is kept. All methods may raise BookUnavailable.

    A claim is kept for a day after the next `kept_anyway_ms`, without a call of `keep`.
    """

    book_id: str
    kept_anyway_ms: int

    async def claim(
        self, key: str, fingerprint: str, target: str | None, journal_id: str = ""
    ) -> Claim | None:
        """Insert attempt 0 at `target` if the key is new; return the claim that is then in the book.

        With `target` None nothing is inserted; returns None when the key is not there.
        """

    async def advance(self, claim: Claim, target: str, journal_id: str = "") -> Claim:
        """Move `claim` to its next attempt at `target` if the book still has it; return the claim then in it."""

    async def release(self, claim: Claim) -> None:
        """Record that the target refused and that no other was asked since, if the book still has `claim`."""

    async def keep(self, key: str, for_ms: int) -> None:
        """Keep the key for a day after the next `for_ms`, if that is later than what is noted."""

    async def withdraw(self, withdrawal: Withdrawal) -> None:
        """Note a session to be withdrawn."""

    async def withdrawn(self, key: str) -> None:
        """Forget a withdrawal that was answered."""

    async def withdrawals(self) -> list[Withdrawal]:
        """Return the withdrawals that are still to be answered, and that no other balancer asks for."""

    async def prune(self) -> int:
        """Drop expired claims and holds of the next piece of the book, a bounded number; returns how many."""

    async def control(self) -> "Control":
        """Return what operators have set for all balancers."""

    async def set_policy(self, policy: str) -> None:
        """Place by `policy` from now on, at every balancer."""

    async def take_rushhour(self, wanted: Lease, unix_ms: int) -> Lease:
        """Take or renew the rush hour if no other run holds it; return what the book then says."""

    async def end_rushhour(self, run_id: str) -> None:
        """End the lease if this run holds it."""

    async def decommission(self, substation_id: str, journal_id: str) -> None:
        """Note that a journal is gone for good."""

    async def follow(self, former_id: str) -> None:
        """Note that this book follows another one, which is used no more: its substations are taken over."""

    async def journals(self, substation_id: str) -> frozenset[str]:
        """Return the journals under which a substation was seen last, or has claims or withdrawals."""

    async def reaches(self, reached: Collection[Reached]) -> None:
        """Tell other balancers what this one reaches; they believe it for some seconds."""

    async def reached_by_others(self) -> frozenset[Reached]:
        """Return what other balancers of this book reach; those that hang or have ended count no more."""

    async def saw(self, addresses: Collection[Address]) -> None:
        """Note which substation was seen at which URL."""


class KeptBook(OrderBook, Protocol):
    """An order book as the process that opened it sees it; a `shared` one may be another balancer's too."""

    shared: bool

    def waiting_for(self) -> list[str]:
        """Return what keeps the book from being written, in words; nothing when it can be."""

    async def probe(self) -> None:
        """If the book could not be written, try once more; raises BookUnavailable when that fails too."""

    async def close(self) -> None:
        """Finish what was submitted and close the book."""
