"""One session for each vehicle, over all substations, balancers and restarts.

Rules:

- the balancer places a request only while the order book holds its vehicle for exactly this key, attempt and
  substation; otherwise it asks the substation to settle the key: to return its session, or to refuse it;
- a hold is replaced only when the substation that it names says that the session of its key has ended, or
  that there is none and will be none; or when that substation was given up.

So two requests of one vehicle can't both get a session, even if messages are delayed or lost. A request
whose key has a session, open or ended, gets that session: a retry stays a retry.
"""

import dataclasses

from balancer.book.decommissioned import DecommissionedJournals
from balancer.book.protocol import BookUnavailable, Hold, OrderBook, Withdrawal
from balancer.contract import BalancerAnswer, BalancerOutcome, Charge
from balancer.fleet.view import View
from balancer.placing.asking import Asker, Watch
from balancer.placing.placement import Placement
from balancer.placing.refusals import AGAIN_MS, OPERATOR_MS, no_book
from balancer.substation_stream import Links
from runtime.machine import THIS, Machine
from substation import contract as substation
from substation.contract import Command, Place, SessionState, Settle

SETTLE_S = 2.0  # at most, of the caller's time, to learn the outcome of the former request of its vehicle
OPEN = frozenset({SessionState.CHARGING, SessionState.PAUSED})
UNDER_WAY = BalancerAnswer(
    BalancerOutcome.VEHICLE_CHARGING, detail="another request of the vehicle is in progress"
)


@dataclasses.dataclass(slots=True)
class VehicleRequest:
    """A request under way in this process.

    `callers` is how many wait for it, `known` the hold that it may replace.
    """

    key: str
    callers: int = 0
    known: Hold | None = None


class VehicleAsker(Asker):
    """Asks substations, and holds the vehicle in the order book before it asks to place it."""

    def __init__(self, links: Links, book: OrderBook, watch: Watch, machine: Machine = THIS) -> None:
        super().__init__(links, watch, machine)
        self.monotonic_s = machine.monotonic_s
        self.requests: dict[str, VehicleRequest] = {}  # by vehicle
        self._book = book

    async def ask(
        self, substation_id: str, command: Command, until_s: float
    ) -> substation.SubstationAnswer | None:
        """Place as Asker does, but only if the vehicle is held for exactly this place.

        Raises BookUnavailable when the vehicle can't be held.
        """
        if not isinstance(command, Place) or await self._held(substation_id, command):
            return await super().ask(substation_id, command, until_s)
        settled = await super().ask(
            substation_id, Settle(command.key, command.attempt, command.journal_id), until_s
        )
        if settled is None:
            return None
        placed = _session(settled) is not None
        outcome = substation.SubstationOutcome.PLACED if placed else substation.SubstationOutcome.REFUSED
        return dataclasses.replace(settled, outcome=outcome)

    async def _held(self, target: str, place: Place) -> bool:
        vehicle = name(place.caller, place.vehicle_id)
        wanted = Hold(vehicle, place.key, place.attempt, target, place.journal_id)
        request = self.requests.get(vehicle)
        found = await self._book.hold(wanted, request.known if request else None, place.plan.duration_ms)
        return (found.key, found.attempt, found.target) == (wanted.key, wanted.attempt, wanted.target)


class OneSession:
    """Checks a request before placement, and answers it if its vehicle has another session."""

    def __init__(
        self,
        placement: Placement,
        book: OrderBook,
        asker: VehicleAsker,
        decommissioned: DecommissionedJournals,
        view: View,
    ) -> None:
        self._placement = placement
        self._book = book
        self._asker = asker
        self._decommissioned = decommissioned
        self._view = view

    async def charge(self, charge: Charge, until_s: float) -> tuple[BalancerAnswer, Withdrawal | None]:
        """Place a request as Placement does, or answer with what its vehicle has; returns what Placement returns."""
        vehicle = name(charge.caller, charge.vehicle_id)
        request = self._asker.requests.setdefault(vehicle, VehicleRequest(charge.key))
        request.callers += 1
        try:
            if request.callers > 1 and not (charge.key and charge.key == request.key):
                return await self._known(charge, until_s) or UNDER_WAY, None
            return await self._charged(charge, request, until_s)
        except BookUnavailable as error:
            return no_book(error), None
        finally:
            request.callers -= 1
            if not request.callers:
                del self._asker.requests[vehicle]

    async def _charged(
        self, charge: Charge, request: VehicleRequest, until_s: float
    ) -> tuple[BalancerAnswer, Withdrawal | None]:
        if conflict := await self._conflict(charge, request, until_s):
            return await self._known(charge, until_s) or conflict, None
        answer, withdrawal = await self._placement.charge(charge, until_s)
        if answer.outcome is BalancerOutcome.NO_CAPACITY:
            # Another balancer may have placed the vehicle meanwhile.
            return await self._conflict(charge, request, until_s) or answer, None
        return answer, withdrawal

    async def _conflict(
        self, charge: Charge, request: VehicleRequest, until_s: float
    ) -> BalancerAnswer | None:
        """Return what keeps a vehicle from being placed; if nothing does, None, and the hold that may be replaced."""
        held = await self._book.holder(name(charge.caller, charge.vehicle_id))
        if held is None or held.key == charge.key:
            return None
        if not self._decommissioned.includes(held.target, held.journal_id):
            if now := self._view.other_journal(held.target, held.journal_id):
                detail = (
                    f"{held.target}, where the vehicle charged last, runs with another journal ({now}): an"
                    f" operator has to bring back journal {held.journal_id}, or give it up"
                )
                return BalancerAnswer(
                    BalancerOutcome.NO_SUBSTATION, retry_after_ms=OPERATOR_MS, detail=detail
                )
            settled = await self._settled(held, until_s)
            if settled is None:
                detail = f"{held.target}, where the vehicle charged last, does not answer"
                return BalancerAnswer(BalancerOutcome.NO_SUBSTATION, retry_after_ms=AGAIN_MS, detail=detail)
            if settled.session and settled.session.state in OPEN:
                return BalancerAnswer(BalancerOutcome.VEHICLE_CHARGING, settled.session)
        request.known = held
        return None

    async def _settled(self, held: Hold, until_s: float) -> substation.SubstationAnswer | None:
        """Ask for the outcome of the request that holds a vehicle."""
        until_s = min(until_s, self._asker.monotonic_s() + SETTLE_S)
        return await self._asker.ask(held.target, Settle(held.key, held.attempt, held.journal_id), until_s)

    async def _known(self, charge: Charge, until_s: float) -> BalancerAnswer | None:
        """Return what an earlier request under the same key got, although another one holds its vehicle now."""
        claim = await self._book.claim(charge.key, charge.fingerprint, None) if charge.key else None
        if claim is None:
            return None
        if claim.fingerprint != charge.fingerprint:
            return BalancerAnswer(BalancerOutcome.KEY_REUSED)
        if not claim.target or self._decommissioned.includes(claim.target, claim.journal_id):
            return None
        settled = await self._asker.ask(
            claim.target, Settle(claim.key, claim.attempt, claim.journal_id), until_s
        )
        if settled is None:
            return BalancerAnswer(BalancerOutcome.UNKNOWN, retry_after_ms=AGAIN_MS)
        session = _session(settled)
        return BalancerAnswer(BalancerOutcome.ADMITTED, session) if session else None


def name(caller: str, vehicle_id: str) -> str:
    """Return the name of a vehicle in holds; two callers may use one id for two cars."""
    return f"{caller} {vehicle_id}"


def _session(settled: substation.SubstationAnswer) -> substation.Session | None:
    """Return the session that a key was given; one that was withdrawn counts as none."""
    session = settled.session
    return session if session and session.state is not SessionState.WITHDRAWN else None
