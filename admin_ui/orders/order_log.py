"""Reads the orders of operators from the audit log: who gave each one, when and why."""

import dataclasses
import datetime as dt
import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from admin_ui.audit.chain import UNDER_WAY
from admin_ui.audit.log import AuditLog
from admin_ui.orders.order import DRAIN, KINDS, LOWER, RESTORE, STOP, SWITCH, Order

MOST = 5  # orders that are returned
NEWEST_ORDERS = 10
MARKS = ", ".join("?" * len(KINDS))
DRAINS = frozenset({DRAIN, RESTORE})  # the later one of these counts
# The completion of an order is an entry of its own, which names the order.
ORDERED = f"""
    SELECT begun.who, begun.at_unix_ms, begun.action, begun.target, begun.reason, begun.details
    FROM entry AS begun JOIN entry AS ended ON ended.of = begun.number
    WHERE ended.outcome = 'done' AND begun.action IN ({MARKS})
"""  # noqa: S608 - constants
SINCE = f"{ORDERED} AND ended.number > ? ORDER BY ended.number DESC LIMIT ?"
ON_TARGET = f"{ORDERED} AND begun.target = ? AND (begun.action = ? OR begun.action = ?) ORDER BY ended.number DESC LIMIT 1"
NEWEST = f"""
    SELECT begun.number, begun.at_unix_ms, begun.who, begun.action, begun.target, begun.reason, begun.details,
        coalesce(begun.outcome, ended.outcome, 'unknown') AS outcome
    FROM entry AS begun LEFT JOIN entry AS ended ON ended.of = begun.number
    WHERE begun.of IS NULL AND begun.action IN ({MARKS}) AND begun.number > ?
    ORDER BY begun.number DESC LIMIT ?
"""  # noqa: S608 - constants


@dataclasses.dataclass(frozen=True, slots=True)
class PastOrder:
    """An order that the grid has confirmed: who gave it, when (unix milliseconds), and why."""

    who: str
    at_unix_ms: int
    order: Order
    reason: str

    def document(self) -> dict[str, Any]:
        """Return the order as answers have it."""
        return self.order.document() | {"who": self.who, "at_unix_ms": self.at_unix_ms, "reason": self.reason}

    def sentence(self) -> str:
        """Return a sentence about the order; its time is UTC."""
        at = dt.datetime.fromtimestamp(self.at_unix_ms / 1000, dt.UTC).strftime("%H:%M:%S")
        return f"{self.who} {did(self.order)} at {at} UTC ({self.reason})."


class OrderLog:
    """Reads the orders of the audit log."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit

    @property
    def number(self) -> int:
        """The number of the newest entry, from which `since` can go on."""
        return self._audit.head.number

    async def since(self, number: int) -> list[PastOrder]:
        """Return the newest orders that were confirmed after an entry, at most MOST, newest first."""
        return await self._rows(SINCE, (*KINDS, number, MOST))

    async def last(self, order: Order) -> list[PastOrder]:
        """Return the last order of this kind on the target if it equals `order`: another operator was faster."""
        kinds = sorted(DRAINS) if order.kind in DRAINS else [order.kind] * 2
        found = await self._rows(ON_TARGET, (*KINDS, order.target, *kinds))
        return [each for each in found if each.order == order]

    async def newest(self, after: int) -> list[dict[str, Any]]:
        """Return the newest orders past an entry as answers have them, newest first, at most NEWEST_ORDERS.

        Refused and failed orders are among them; `outcome` is that of the audit log.
        """
        rows = await self._audit.rows(NEWEST, (*KINDS, after, NEWEST_ORDERS))
        return [
            _past(row).document() | {"number": row["number"], "outcome": self._outcome(row)} for row in rows
        ]

    async def in_force(self, row: Mapping[str, Any]) -> list[PastOrder]:
        """Return the orders that made a substation what its row shows: its drain, and its lowered limit.

        An order that was not given here, or whose entry is not the newest of its kind, is not among them.
        """
        name = str(row["substation_id"])
        found: list[PastOrder] = []
        if row["draining"]:
            found += await self.last(Order(DRAIN, name))
        if row["capacity_kw"] < row["rated_kw"]:
            lowered = await self._rows(ON_TARGET, (*KINDS, name, LOWER, LOWER))
            found += [each for each in lowered if each.order.value == row["capacity_kw"]]
        return found

    def _outcome(self, row: sqlite3.Row) -> str:
        return UNDER_WAY if row["number"] in self._audit.under_way else str(row["outcome"])

    async def _rows(self, sql: str, values: tuple[object, ...]) -> list[PastOrder]:
        return [_past(row) for row in await self._audit.rows(sql, values)]


def did(order: Order) -> str:
    """Return what an order did, as the end of a sentence."""
    words = {
        DRAIN: f"drained {order.target}",
        RESTORE: f"restored {order.target}",
        SWITCH: f"switched the policy to {order.value}",
        STOP: f"stopped session {order.target}",
    }
    limit = "its rated limit" if order.value is None else f"a limit of {order.value} kW"
    return words.get(order.kind, f"gave {order.target} {limit}")


def _past(row: sqlite3.Row) -> PastOrder:
    order = _order(row["action"], row["target"], row["details"])
    return PastOrder(row["who"], row["at_unix_ms"], order, row["reason"])


def _order(action: str, target: str, details: str) -> Order:
    value = json.loads(details).get("value")
    return Order(action, target, value if action in {LOWER, SWITCH} else None)
