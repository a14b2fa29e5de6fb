"""Carries out the orders of operators: writes each to the audit log, sends it, and waits until the grid shows it.

One order on the fleet is under way at a time, so that the next one is given in the state that it left.
"""

import asyncio
import dataclasses
import enum
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from admin_ui.audit.chain import AuditOutcome
from admin_ui.audit.log import AuditLog, require
from admin_ui.grid.balancer_calls import Reply
from admin_ui.grid.board import Board
from admin_ui.grid.grid_calls import GridCalls
from admin_ui.orders.order import DRAIN, FLEET, LOWER, RESTORE, STOP, SWITCH, Order
from admin_ui.orders.order_log import OrderLog, PastOrder
from admin_ui.orders.preview import basis, preview, preview_stop, shows, undo, why_not

SHOWN_WITHIN_S = 5.0  # usually the stream shows it within a poll and a quarter of a second
LOOK_S = 0.05
AGAIN = "It may have been carried out. Check its state; giving the order again is safe."


class OrderOutcome(enum.StrEnum):
    """The outcome of an order."""

    CONFIRMED = "confirmed"  # the grid shows it
    REFUSED = "refused"  # by the grid; nothing was changed
    UNCONFIRMED = "unconfirmed"  # whether it was carried out is unknown
    NOT_LIVE = "stream-lost"  # not sent: the state that it is based on may be old
    BUSY = "order-under-way"  # not sent: another order is under way
    CHANGED = "changed"  # not sent: the state differs from that of the preview


OUTCOMES = {
    OrderOutcome.CONFIRMED: AuditOutcome.DONE,
    OrderOutcome.REFUSED: AuditOutcome.REFUSED,
    OrderOutcome.UNCONFIRMED: AuditOutcome.UNCONFIRMED,
}


@dataclasses.dataclass(frozen=True, slots=True)
class OrderResult:
    """The outcome of an order, with a message for the operator.

    `undo` is the order that reverses it, `audited` says whether the audit log has it, and `earlier` are orders that other
    operators gave before.
    """

    outcome: OrderOutcome
    message: str
    undo: Order | None = None
    audited: bool = False
    earlier: Sequence[PastOrder] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order that somebody wants to give, and why.

    `basis` names the state in which it was previewed. `seen` is the number of the newest entry of the audit log at that
    time, None when it is not known.
    """

    who: str
    order: Order
    reason: str
    basis: str
    seen: int | None = None


class OrderDispatcher:
    """Previews and gives orders."""

    def __init__(self, board: Board, calls: GridCalls, audit: AuditLog) -> None:
        self._board = board
        self._calls = calls
        self._audit = audit
        self._log = OrderLog(audit)
        self._under_way: dict[str, OrderRequest] = {}  # one on the fleet, and one on each session

    async def preview(self, order: Order) -> dict[str, Any]:
        """Return the effects that an order would have now, and the operator who has already given it."""
        seen = self._log.number  # read before the grid, so that orders done in between count as later
        found = await (self._preview_stop(order) if order.kind == STOP else self._preview(order))
        earlier = await self._log.last(order) if found["refused"] else []
        return found | {"seen": seen, "earlier": [each.document() for each in earlier]}

    async def _preview(self, order: Order) -> dict[str, Any]:
        releases = []
        if order.kind == LOWER:
            reply = await self._calls.member(order.target)
            releases = [(each["within_s"], each["freed_kw"]) for each in reply.body.get("releases", [])]
        return preview(self.fleet(), order, self._board.trend_kw_s(), releases)

    async def give(self, request: OrderRequest, allowed: Callable[[], bool]) -> OrderResult:
        """Carry out an order, if the operator is still `allowed` to when it is sent.

        Raises AuditUnwritable when the order was not sent, because it can't be audited, and NoLongerAllowedError.
        """
        if not self.live():
            message = "The balancer's stream is lost, so the figures are old. Nothing was sent."
            return OrderResult(OrderOutcome.NOT_LIVE, message)
        place = request.order.target if request.order.kind == STOP else FLEET
        if other := self._under_way.get(place):
            return OrderResult(OrderOutcome.BUSY, _busy(other))
        self._under_way[place] = request
        try:
            return await self._why_not(request) or await self._audited(request, allowed)
        finally:
            del self._under_way[place]

    async def _why_not(self, request: OrderRequest) -> OrderResult | None:
        """Return why an order is not sent in the present state, None when it is sent.

        The result names the operator who was faster, if there is one.
        """
        if request.order.kind == STOP:
            why = str((await self._preview_stop(request.order))["refused"])
        else:
            why = why_not(self.fleet(), request.order)
        if why:
            return OrderResult(
                OrderOutcome.REFUSED, f"{why} Nothing was sent.", earlier=await self._log.last(request.order)
            )
        if request.order.kind != STOP and basis(self.fleet()) != request.basis:
            earlier = [] if request.seen is None else await self._log.since(request.seen)
            return OrderResult(
                OrderOutcome.CHANGED,
                "The grid has changed since the preview. Nothing was sent.",
                earlier=earlier,
            )
        return None

    def live(self) -> bool:
        """Whether the console knows the present state of the fleet."""
        return self._board.connected and not self._board.stale(time.monotonic())

    def fleet(self) -> dict[str, Any]:
        """Return the fleet as the balancer reports it."""
        return (
            {"policy": "", "policies": []}
            | self._board.rest
            | {"substations": list(self._board.rows.values())}
        )

    async def _audited(self, request: OrderRequest, allowed: Callable[[], bool]) -> OrderResult:
        order = request.order
        state = "" if order.kind == STOP else basis(self.fleet())
        details: dict[str, object] = {"value": order.value, "basis": state}
        entry = await self._audit.begin(request.who, order.kind, order.target, request.reason, details)
        await require(self._audit, entry, allowed)
        try:
            result = await (self._stop(order) if order.kind == STOP else self._change(order))
        except Exception as error:
            await self._audit.end(entry, AuditOutcome.FAILED, {"told": repr(error)})
            raise
        await self._audit.end(entry, OUTCOMES[result.outcome], {"told": result.message})
        return dataclasses.replace(result, audited=True)

    async def _change(self, order: Order) -> OrderResult:
        back = undo(self.fleet(), order)
        reply = await self._send(order)
        if reply.status != HTTPStatus.OK:
            return _not_done(reply)
        until_s = time.monotonic() + SHOWN_WITHIN_S
        while not (self.live() and shows(self.fleet(), order)):
            if time.monotonic() > until_s:
                message = f"The balancer says that it is done, but its stream does not show it. {AGAIN}"
                return OrderResult(OrderOutcome.UNCONFIRMED, message)
            await asyncio.sleep(LOOK_S)
        return OrderResult(OrderOutcome.CONFIRMED, _done(order), back)

    async def _send(self, order: Order) -> Reply:
        """Send an order on the fleet to the balancer."""
        if order.kind == SWITCH:
            return await self._calls.set_policy(str(order.value))
        if order.kind == LOWER:
            return await self._calls.set_capacity(
                order.target, None if order.value is None else float(order.value)
            )
        send = {DRAIN: self._calls.drain, RESTORE: self._calls.restore}[order.kind]
        return await send(order.target)

    async def _stop(self, order: Order) -> OrderResult:
        reply = await self._calls.stop_session(order.target)
        if reply.status != HTTPStatus.OK:
            return _not_done(reply)
        session = (await self._calls.session(order.target)).body
        if "state" not in session or session["state"] in {"charging", "paused"}:
            return OrderResult(
                OrderOutcome.UNCONFIRMED, f"The gateway says that it is done, but does not show it. {AGAIN}"
            )
        message = f"The session has ended: {session['state']} with {session['delivered_kwh']:g} kWh."
        return OrderResult(OrderOutcome.CONFIRMED, message)

    async def _preview_stop(self, order: Order) -> dict[str, Any]:
        reply = await self._calls.session(order.target)
        if reply.status == HTTPStatus.OK:
            return preview_stop(reply.body, reserved_kw(reply.body, time.time()))
        return order.document() | {"basis": "", "refused": f"The session can't be looked up: {reply.detail}."}


def reserved_kw(session: Mapping[str, Any], unix_s: float) -> float:
    """Return the power in kW that a session, as the gateway shows it, reserves at a unix time."""
    now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(unix_s))
    steps = [step["power_kw"] for step in session.get("reserved", []) if step["from"][: len(now)] <= now]
    return float(steps[-1]) if steps else float(session["power_kw"])


def _busy(other: OrderRequest) -> str:
    order = other.order
    return f"{other.who} has just ordered {order.kind} of {order.target} ({other.reason}). Nothing was sent."


def _not_done(reply: Reply) -> OrderResult:
    refused = HTTPStatus.BAD_REQUEST <= reply.status < HTTPStatus.INTERNAL_SERVER_ERROR
    detail = reply.detail[:1].upper() + reply.detail[1:]
    if refused:
        return OrderResult(OrderOutcome.REFUSED, f"{detail}. Nothing was changed.")
    return OrderResult(OrderOutcome.UNCONFIRMED, f"The grid did not confirm it: {detail}. {AGAIN}")


def _done(order: Order) -> str:
    words = {
        DRAIN: f"{order.target} is draining.",
        RESTORE: f"{order.target} takes new cars again.",
        SWITCH: f"New cars are placed by {order.value}.",
    }
    limit = "its rated limit" if order.value is None else f"a limit of {order.value} kW"
    return words.get(order.kind, f"{order.target} has {limit}.")
