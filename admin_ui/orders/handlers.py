"""`/api/preview` and `/api/orders`: preview an order, and give it; below these, who gave the newest ones and those in force."""

import contextlib
from typing import Any

from tornado.web import HTTPError

from admin_ui.audit.log import AuditLog
from admin_ui.grid.board import Board
from admin_ui.grid.grid_calls import GridCalls
from admin_ui.orders.carry_out import OrderDispatcher, OrderOutcome, OrderRequest
from admin_ui.orders.order import STOP, InvalidOrder, Order, parse
from admin_ui.orders.order_log import OrderLog
from admin_ui.web.access import ConsoleHandler
from admin_ui.web.logins import Role
from admin_ui.web.routes import Route
from runtime.problem import Problem
from runtime.settings import integer

LAST_ENTRY = 2**53
MOST_TARGETS = 60  # substations of one question: a page of the table, and the one whose details are open
SHORTEST, LONGEST = 3, 200  # characters of a reason
PROBLEMS = {
    OrderOutcome.REFUSED: Problem("order-refused", 422, "The grid has refused the order"),
    OrderOutcome.UNCONFIRMED: Problem("unconfirmed", 503, "The grid did not confirm the order"),
    OrderOutcome.NOT_LIVE: Problem("stream-lost", 503, "The console does not see the grid"),
    OrderOutcome.BUSY: Problem("order-under-way", 409, "Another order is under way"),
    OrderOutcome.CHANGED: Problem("changed", 409, "The grid has changed since the preview"),
}
NO_REASON = Problem("no-reason", 422, "Say why")


class NewestOrdersHandler(ConsoleHandler):
    """`GET /api/orders/newest?after=`: the newest orders past an entry of the audit log, refused ones too."""

    def setup(self, log: OrderLog) -> None:  # type: ignore[override]
        """`log` reads the orders."""
        self._past = log

    async def get(self) -> None:
        """Write the orders, newest first."""
        try:
            after = integer(0, LAST_ENTRY)(self.get_query_argument("after", "0"))
        except ValueError as error:
            raise HTTPError(400, f"after: {error}") from None
        self.write_json({"orders": await self._past.newest(after)})


class _OrderHandler(ConsoleHandler):
    """The base of both: reads an order from the body."""

    def setup(self, orders: OrderDispatcher) -> None:  # type: ignore[override]
        """`orders` previews and gives orders."""
        self._orders = orders

    def read(self) -> tuple[Order, dict[str, Any]]:
        """Return the order in the body, and the body; raises HTTPError 400."""
        body = self.json_object()
        try:
            return parse(body), body
        except InvalidOrder as error:
            raise HTTPError(400, str(error)) from None


class PreviewHandler(_OrderHandler):
    """`POST /api/preview` `{order, target, value}`: changes nothing."""

    async def post(self) -> None:
        """Write the effects that the order would have."""
        self.write_json(await self._orders.preview(self.read()[0]))


class OrdersHandler(_OrderHandler):
    """`POST /api/orders` `{order, target, value, reason, basis, seen}`."""

    acts = "order"

    def describe(self) -> None:
        """Take what a refused order was to do, and why."""
        with contextlib.suppress(HTTPError):
            order, body = self.read()
            self.acts, self.target = order.kind, order.target
            self.reason = str(body.get("reason", "")).strip()[:LONGEST]

    async def post(self) -> None:
        """Give the order; 200 only when the grid shows it."""
        assert self.login
        order, body = self.read()
        self.acts, self.target = order.kind, order.target
        reason = self.reason = str(body.get("reason", "")).strip()
        if not SHORTEST <= len(reason) <= LONGEST:
            self.write_problem(NO_REASON, detail=f"a reason has {SHORTEST} to {LONGEST} characters")
            return
        if order.kind != STOP and not self.confirmed():
            return
        basis, seen = str(body.get("basis", "")), body.get("seen")
        seen = seen if isinstance(seen, int) else None
        result = await self._orders.give(
            OrderRequest(self.login.name, order, reason, basis, seen), self.still_allowed
        )
        self.audited = result.audited
        if result.outcome is OrderOutcome.CONFIRMED:
            undo = result.undo.document() if result.undo else None
            self.write_json({"outcome": "confirmed", "told": result.message, "undo": undo})
        else:
            earlier = [each.document() for each in result.earlier]
            sentences = [*(each.sentence() for each in result.earlier), result.message]
            detail = " ".join(sentences)
            self.write_problem(PROBLEMS[result.outcome], detail=detail, said=result.message, earlier=earlier)


class InForceHandler(ConsoleHandler):
    """`GET /api/orders/in-force?substation_id=`: who drained substations or lowered their limits, when and why.

    `substation_id` may come MOST_TARGETS times. The pages ask for those that are drained or lowered.
    """

    def setup(self, board: Board, log: OrderLog) -> None:  # type: ignore[override]
        """`board` has the fleet, `log` the orders."""
        self._board = board
        self._orders = log

    async def get(self) -> None:
        """Write the orders, [] when there are none or they were not given in this console."""
        names = self.get_query_arguments("substation_id")
        if not 1 <= len(names) <= MOST_TARGETS:
            raise HTTPError(400, f"substation_id: send 1 to {MOST_TARGETS}")
        known = [self._board.rows[name] for name in dict.fromkeys(names) if name in self._board.rows]
        found = [order for row in known for order in await self._orders.in_force({"rated_kw": 0.0} | row)]
        self.write_json({"orders": [each.document() for each in found]})


def routes(calls: GridCalls, board: Board, audit: AuditLog) -> list[Route]:
    """Return the routes that preview orders, give them, and tell who gave those in force."""
    arguments = {"orders": OrderDispatcher(board, calls, audit)}
    return [
        Route("/api/preview", PreviewHandler, Role.OPERATOR, arguments),
        Route("/api/orders", OrdersHandler, Role.OPERATOR, arguments),
        Route("/api/orders/newest", NewestOrdersHandler, Role.VIEWER, {"log": OrderLog(audit)}),
        Route("/api/orders/in-force", InForceHandler, Role.VIEWER, {"board": board, "log": OrderLog(audit)}),
    ]
