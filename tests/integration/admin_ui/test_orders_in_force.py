"""Who drained a substation or lowered its limit: read from a real audit log."""

from pathlib import Path
from typing import Any

import pytest

from admin_ui.audit.chain import AuditOutcome
from admin_ui.audit.log import AuditLog
from admin_ui.orders.order import DRAIN, LOWER, RESTORE, Order
from admin_ui.orders.order_log import OrderLog

NAME = "substation-1"


def row(capacity_kw: float = 1400.0, *, draining: bool = False) -> dict[str, Any]:
    return {"substation_id": NAME, "draining": draining, "capacity_kw": capacity_kw, "rated_kw": 1400.0}


async def given(log: AuditLog, who: str, order: Order, outcome: AuditOutcome = AuditOutcome.DONE) -> None:
    entry = await log.begin(who, order.kind, order.target, f"{who} says so", {"value": order.value})
    await log.end(entry, outcome, {})


@pytest.mark.gen_test
async def test_the_newest_order_that_the_grid_confirmed_is_told_while_its_effect_lasts(
    tmp_path: Path,
) -> None:
    log = AuditLog(tmp_path / "audit.sqlite")
    try:
        orders = OrderLog(log)
        assert await orders.in_force(row(draining=True)) == []  # it was not drained from here
        await given(log, "ann", Order(DRAIN, NAME))
        await given(log, "bob", Order(LOWER, NAME, 700.0))
        await given(log, "eve", Order(LOWER, NAME, 600.0), AuditOutcome.REFUSED)
        await given(log, "eve", Order(DRAIN, "substation-2"))
        found = await orders.in_force(row(700.0, draining=True))
        assert [(each.who, each.order, each.reason) for each in found] == [
            ("ann", Order(DRAIN, NAME), "ann says so"),
            ("bob", Order(LOWER, NAME, 700.0), "bob says so"),
        ]
        assert await orders.in_force(row()) == []
        assert await orders.in_force(row(650.0)) == []  # somebody else has set that limit
        await given(log, "ann", Order(RESTORE, NAME))
        assert await orders.in_force(row(draining=True)) == []  # it was drained again, and not from here
    finally:
        await log.close()
