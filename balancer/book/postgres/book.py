"""The order book in PostgreSQL, for one balancer or several."""

import dataclasses
import secrets
import time
from collections.abc import Callable, Collection

from balancer.book.lease import Lease
from balancer.book.lifetimes import CLAIM_MS, KEEP_MS
from balancer.book.metrics import BookMetrics
from balancer.book.postgres import control, statements
from balancer.book.postgres.ageing import Ageing
from balancer.book.postgres.claims import ClaimTable
from balancer.book.postgres.condition_watch import ConditionWatch
from balancer.book.postgres.holds import HoldTable
from balancer.book.postgres.pool import Pool
from balancer.book.postgres.reach import ReachTable
from balancer.book.postgres.withdrawals import WithdrawalTable
from balancer.book.protocol import Address, BookUnavailable, Claim, Control, Hold, Reached, Withdrawal


class PostgresBook:
    """The order book in a PostgreSQL database. Claims age by the book's clock, leases by the database's."""

    kept_anyway_ms = CLAIM_MS - KEEP_MS
    shared = True

    def __init__(
        self,
        pool: Pool,
        book_id: str,
        metrics: BookMetrics,
        *,
        monotonic_s: Callable[[], float] = time.monotonic,
        unix_s: Callable[[], float] = time.time,
    ) -> None:
        """`opening.py` opens one. The last two are the clocks of this machine."""
        self.book_id = book_id
        self.balancer_id = secrets.token_hex(8)
        self._pool = pool
        self._unix_s = unix_s
        self._ageing = Ageing(pool, monotonic_s)
        self._watch = ConditionWatch(pool, self._ageing.now_ms, metrics.condition, monotonic_s)
        self._claims = ClaimTable(pool, metrics)
        self._holds = HoldTable(pool)
        self._withdrawals = WithdrawalTable(pool, self.balancer_id)
        self._reach = ReachTable(pool, self.balancer_id)

    async def start(self) -> None:
        """Read the book's clock and sign in; raises BookUnavailable."""
        await self._ageing.start()
        await self._withdrawals.sign_in()

    def waiting_for(self) -> list[str]:
        """Return what keeps the book from being written, in words; nothing when it can be."""
        trouble = self._pool.trouble
        return [f"the order book: {trouble}"] if trouble else []

    async def probe(self) -> None:
        """If the server lacked something, see whether it can write again; lost connections are opened anyway.

        It also looks at the condition of the database, for the metrics.
        """
        if self._pool.full:
            await self._execute(statements.TOUCH)
            self._pool.full = ""
        await self._watch.look()

    async def close(self) -> None:
        """Finish what was submitted, leave what is to be withdrawn to others, and close the connections."""
        await self._claims.close()
        await self._holds.close()
        await self._withdrawals.close()
        await self._reach.close()
        await self._pool.close()

    async def claim(
        self, key: str, fingerprint: str, target: str | None, journal_id: str = ""
    ) -> Claim | None:
        """See OrderBook."""
        if target is None:
            return await self._claims.find.submit(key)
        wanted = Claim(key, fingerprint, 0, target, journal_id)
        return await self._claims.claim.submit((wanted, self._ageing.now_ms() + CLAIM_MS))

    async def advance(self, claim: Claim, target: str, journal_id: str = "") -> Claim:
        """See OrderBook."""
        return await self._claims.advance.submit((claim, target, journal_id))

    async def release(self, claim: Claim) -> None:
        """See OrderBook."""
        await self._claims.release.submit((claim.key, claim.attempt))

    async def keep(self, key: str, for_ms: int) -> None:
        """See OrderBook."""
        await self._claims.keep.submit((key, self._ageing.now_ms() + for_ms + KEEP_MS))

    async def withdraw(self, withdrawal: Withdrawal) -> None:
        """See OrderBook."""
        await self._withdrawals.withdraw.submit(withdrawal)

    async def withdrawn(self, key: str) -> None:
        """See OrderBook."""
        await self._withdrawals.withdrawn.submit(key)

    async def withdrawals(self) -> list[Withdrawal]:
        """See OrderBook."""
        return await self._withdrawals.own()

    async def prune(self) -> int:
        """See OrderBook."""
        return await self._ageing.prune()

    async def holder(self, vehicle: str) -> Hold | None:
        """See Holds."""
        return await self._holds.holder.submit(vehicle)

    async def hold(self, wanted: Hold, known: Hold | None, for_ms: int) -> Hold:
        """See Holds."""
        return await self._holds.hold.submit((wanted, known, self._ageing.now_ms() + for_ms + KEEP_MS))

    async def control(self) -> Control:
        """See OrderBook."""
        row = await self._pool.run(lambda connection: connection.fetchrow(statements.CONTROL))
        if row is None:
            raise BookUnavailable("it has no settings of operators")
        return control.control_from_row(row, int(self._unix_s() * 1000))

    async def set_policy(self, policy: str) -> None:
        """See OrderBook."""
        await self._execute(statements.SET_POLICY, policy)

    async def take_rushhour(self, wanted: Lease, unix_ms: int) -> Lease:
        """See OrderBook."""
        return await self._pool.run(lambda connection: control.take_rushhour(connection, wanted, unix_ms))

    async def end_rushhour(self, run_id: str) -> None:
        """See OrderBook."""
        await self._execute(statements.END_RUSHHOUR, run_id)

    async def decommission(self, substation_id: str, journal_id: str) -> None:
        """See OrderBook."""
        await self._execute(statements.DECOMMISSION, substation_id, journal_id)

    async def follow(self, former_id: str) -> None:
        """See OrderBook."""
        await self._execute(statements.FOLLOW, former_id)

    async def journals(self, substation_id: str) -> frozenset[str]:
        """See OrderBook."""
        rows = await self._pool.run(lambda connection: connection.fetch(statements.JOURNALS, substation_id))
        return frozenset(row[0] for row in rows)

    async def reaches(self, reached: Collection[Reached]) -> None:
        """See OrderBook."""
        await self._reach.say(reached)

    async def reached_by_others(self) -> frozenset[Reached]:
        """See OrderBook."""
        return await self._reach.of_others()

    async def saw(self, addresses: Collection[Address]) -> None:
        """See OrderBook."""
        rows = sorted(dataclasses.astuple(each) for each in addresses)
        await self._pool.run(lambda connection: connection.executemany(statements.SAW, rows))

    async def _execute(self, statement: str, *values: str) -> None:
        await self._pool.run(lambda connection: connection.execute(statement, *values))
