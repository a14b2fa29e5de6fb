"""Operators' orders: each is written to the audit log, sent, and done only when the grid shows it.

One order on the fleet is under way at a time: whoever orders next does so in the state that it left.
"""

import asyncio
import dataclasses
import enum
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from admin_ui.audit import chain as audit_chain
from admin_ui.audit.log import Audit
from admin_ui.grid.board import Board
from admin_ui.grid.grid_calls import GridCalls, Reply
from admin_ui.grid.order import FLEET, LOWER, STOP, Order
from admin_ui.orders.order_log import OrderLog, PastOrder
from admin_ui.orders.preview import basis, preview, shows, stopped, undo, why_not

SHOWN_WITHIN_S = 5.0  # the stream tells within a poll and a quarter of a second
LOOK_S = 0.05
AGAIN = "It may have been carried out. Look again; to give it again does no harm."


class Fate(enum.StrEnum):
    """What became of an order."""

    CONFIRMED = "confirmed"  # the grid shows it
    REFUSED = "refused"  # the grid has said no; nothing was changed
    UNCONFIRMED = "unconfirmed"  # nobody knows
    NOT_LIVE = "stream-lost"  # not sent: what it was based on may be old
    BUSY = "order-under-way"  # not sent
    CHANGED = "changed"  # not sent: the state is another than in the preview


OUTCOMES = {
    Fate.CONFIRMED: audit_chain.AuditOutcome.DONE,
    Fate.REFUSED: audit_chain.AuditOutcome.REFUSED,
    Fate.UNCONFIRMED: audit_chain.AuditOutcome.UNCONFIRMED,
}


@dataclasses.dataclass(frozen=True, slots=True)
class OrderResult:
    """The outcome of an order, in words; `undo` reverses it, `audited` says that the audit log has it.

    `earlier` are the orders that others gave before.
    """

    fate: Fate
    told: str
    undo: Order | None = None
    audited: bool = False
    earlier: Sequence[PastOrder] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order that somebody wants to give and why, based on the state `basis`.

    `seen` is the newest entry of the audit log when that state was shown, None when it is not known.
    """

    who: str
    order: Order
    reason: str
    basis: str
    seen: int | None = None


class Orders:
    """Gives orders, and says beforehand what they would do."""

    def __init__(self, board: Board, calls: GridCalls, audit: Audit) -> None:
        self._board = board
        self._calls = calls
        self._audit = audit
        self._log = OrderLog(audit)
        self._under_way: dict[str, OrderRequest] = {}  # one on the fleet, and one on each session

    async def preview(self, order: Order) -> dict[str, Any]:
        """Return what an order would do now, and who has already given it."""
        seen = self._log.number  # read before the grid, so that orders done in between count as later
        told = await (self._preview_stop(order) if order.kind == STOP else self._preview(order))
        earlier = await self._log.last(order) if told["refused"] else []
        return told | {"seen": seen, "earlier": [each.told() for each in earlier]}

    async def _preview(self, order: Order) -> dict[str, Any]:
        releases = []
        if order.kind == LOWER:
            reply = await self._calls.member(order.target)
            releases = [(each["within_s"], each["freed_kw"]) for each in reply.body.get("releases", [])]
        return preview(self.fleet(), order, self._board.trend_kw_s(), releases)

    async def give(self, wish: OrderRequest) -> OrderResult:
        """Carry an order out; raises Unwritable when the audit log does not take it, and then it is not sent."""
        if not self.live():
            told = "The balancer's stream is lost, so the figures are old. Nothing was sent."
            return OrderResult(Fate.NOT_LIVE, told)
        place = wish.order.target if wish.order.kind == STOP else FLEET
        if other := self._under_way.get(place):
            return OrderResult(Fate.BUSY, _busy(other))
        self._under_way[place] = wish
        try:
            return await self._why_not(wish) or await self._audited(wish)
        finally:
            del self._under_way[place]

    async def _why_not(self, wish: OrderRequest) -> OrderResult | None:
        """Return why an order is not sent in the present state, None when it is; names an operator who was faster."""
        if wish.order.kind == STOP:
            why = str((await self._preview_stop(wish.order))["refused"])
        else:
            why = why_not(self.fleet(), wish.order)
        if why:
            return OrderResult(
                Fate.REFUSED, f"{why} Nothing was sent.", earlier=await self._log.last(wish.order)
            )
        if wish.order.kind != STOP and basis(self.fleet()) != wish.basis:
            earlier = [] if wish.seen is None else await self._log.since(wish.seen)
            return OrderResult(
                Fate.CHANGED, "The grid has changed since the preview. Nothing was sent.", earlier=earlier
            )
        return None

    def live(self) -> bool:
        """Whether what is shown is the state of now."""
        return self._board.connected and not self._board.stale(time.monotonic())

    def fleet(self) -> dict[str, Any]:
        """Return the fleet as the balancer tells it."""
        return (
            {"policy": "", "policies": []}
            | self._board.rest
            | {"substations": list(self._board.rows.values())}
        )

    async def _audited(self, wish: OrderRequest) -> OrderResult:
        order = wish.order
        state = "" if order.kind == STOP else basis(self.fleet())
        details: dict[str, object] = {"value": order.value, "basis": state}
        entry = await self._audit.begin(wish.who, order.kind, order.target, wish.reason, details)
        try:
            result = await (self._stop(order) if order.kind == STOP else self._order(order))
        except Exception as error:
            await self._audit.end(entry, audit_chain.AuditOutcome.FAILED, {"told": repr(error)})
            raise
        await self._audit.end(entry, OUTCOMES[result.fate], {"told": result.told})
        return dataclasses.replace(result, audited=True)

    async def _order(self, order: Order) -> OrderResult:
        back = undo(self.fleet(), order)
        reply = await self._calls.give(order)
        if reply.status != HTTPStatus.OK:
            return _not_done(reply)
        until_s = time.monotonic() + SHOWN_WITHIN_S
        while not (self.live() and shows(self.fleet(), order)):
            if time.monotonic() > until_s:
                told = f"The balancer says that it is done, but its stream does not show it. {AGAIN}"
                return OrderResult(Fate.UNCONFIRMED, told)
            await asyncio.sleep(LOOK_S)
        return OrderResult(Fate.CONFIRMED, _done(order), back)

    async def _stop(self, order: Order) -> OrderResult:
        reply = await self._calls.stop(order.target)
        if reply.status != HTTPStatus.OK:
            return _not_done(reply)
        session = (await self._calls.session(order.target)).body
        if "state" not in session or session["state"] in {"charging", "paused"}:
            return OrderResult(
                Fate.UNCONFIRMED, f"The gateway says that it is done, but does not show it. {AGAIN}"
            )
        told = f"The session is over: {session['state']} with {session['delivered_kwh']:g} kWh."
        return OrderResult(Fate.CONFIRMED, told)

    async def _preview_stop(self, order: Order) -> dict[str, Any]:
        reply = await self._calls.session(order.target)
        if reply.status == HTTPStatus.OK:
            return stopped(reply.body, reserved_kw(reply.body, time.time()))
        return order.told() | {"basis": "", "refused": f"The session can't be looked up: {reply.detail}."}


def reserved_kw(session: Mapping[str, Any], unix_s: float) -> float:
    """Return what a session of the gateway reserves at a moment."""
    now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(unix_s))
    steps = [step["power_kw"] for step in session.get("reserved", []) if step["from"][: len(now)] <= now]
    return float(steps[-1]) if steps else float(session["power_kw"])


def _busy(other: OrderRequest) -> str:
    order = other.order
    return f"{other.who} has just ordered {order.kind} of {order.target} ({other.reason}). Nothing was sent."


def _not_done(reply: Reply) -> OrderResult:
    sure = HTTPStatus.BAD_REQUEST <= reply.status < HTTPStatus.INTERNAL_SERVER_ERROR
    detail = reply.detail[:1].upper() + reply.detail[1:]
    if sure:
        return OrderResult(Fate.REFUSED, f"{detail}. Nothing was changed.")
    return OrderResult(Fate.UNCONFIRMED, f"The grid did not confirm it: {detail}. {AGAIN}")


def _done(order: Order) -> str:
    words = {
        "drain": f"{order.target} is draining.",
        "restore": f"{order.target} takes new cars again.",
        "policy": f"New cars are placed by {order.value}.",
    }
    limit = "its rated limit" if order.value is None else f"a limit of {order.value} kW"
    return words.get(order.kind, f"{order.target} has {limit}.")
