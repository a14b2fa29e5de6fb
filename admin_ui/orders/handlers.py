"""`/api/preview` and `/api/orders`: what an order would do, and giving it."""

from typing import Any

from tornado.web import HTTPError

from admin_ui.grid.order import STOP, NoOrder, Order, order
from admin_ui.orders.carry_out import Fate, OrderRequest, Orders
from admin_ui.web.access import ConsoleHandler
from runtime.problem import Problem

SHORTEST, LONGEST = 3, 200  # characters of a reason
PROBLEMS = {
    Fate.REFUSED: Problem("order-refused", 422, "The grid has refused the order"),
    Fate.UNCONFIRMED: Problem("unconfirmed", 503, "The grid did not confirm the order"),
    Fate.NOT_LIVE: Problem("stream-lost", 503, "The console does not see the grid"),
    Fate.BUSY: Problem("order-under-way", 409, "Another order is under way"),
    Fate.CHANGED: Problem("changed", 409, "The grid has changed since the preview"),
}
NO_REASON = Problem("no-reason", 422, "Say why")


class _OrderHandler(ConsoleHandler):
    """Reads orders."""

    def setup(self, orders: Orders) -> None:  # type: ignore[override]
        """`orders` gives them."""
        self._orders = orders

    def read(self) -> tuple[Order, dict[str, Any]]:
        """Return the order in the body, and the whole body; raises HTTPError 400."""
        body = self.json_object()
        try:
            return order(body), body
        except NoOrder as error:
            raise HTTPError(400, str(error)) from None


class PreviewHandler(_OrderHandler):
    """`POST /api/preview` `{order, target, value}`: changes nothing."""

    async def post(self) -> None:
        """Write what it would do."""
        self.write_json(await self._orders.preview(self.read()[0]))


class OrdersHandler(_OrderHandler):
    """`POST /api/orders` `{order, target, value, reason, basis, seen}`."""

    acts = "order"

    async def post(self) -> None:
        """Give the order; 200 only when the grid shows it."""
        assert self.login  # noqa: S101 - the route takes a role
        given, body = self.read()
        self.acts, self.target = given.kind, given.target
        reason = self.reason = str(body.get("reason", "")).strip()
        if not SHORTEST <= len(reason) <= LONGEST:
            self.write_problem(NO_REASON, detail=f"a reason has {SHORTEST} to {LONGEST} characters")
            return
        if given.kind != STOP and not self.confirmed():
            return
        basis, seen = str(body.get("basis", "")), body.get("seen")
        wish = OrderRequest(self.login.name, given, reason, basis, seen if isinstance(seen, int) else None)
        result = await self._orders.give(wish)
        self.audited = result.audited
        if result.fate is Fate.CONFIRMED:
            undo = result.undo.told() if result.undo else None
            self.write_json({"outcome": "confirmed", "told": result.told, "undo": undo})
        else:
            earlier = [each.told() for each in result.earlier]
            said = [*(each.said() for each in result.earlier), result.told]
            self.write_problem(
                PROBLEMS[result.fate], detail=" ".join(said), said=result.told, earlier=earlier
            )
