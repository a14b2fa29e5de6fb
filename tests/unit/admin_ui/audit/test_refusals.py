"""Refused orders in a real audit log: with their reason, and never so many that they fill the disk."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from admin_ui.audit.log import Audit
from admin_ui.audit.refusals import LISTED, MOST_WHY, Refusal, Refusals


def refusal(who: str = "vic", why: str = "it takes the role operator") -> Refusal:
    return Refusal(who, "drain", "substation-1", "192.0.2.1", "not-allowed", why)


def written(tmp_path: Path, note: Callable[[Refusals, list[float]], None]) -> list[dict[str, Any]]:
    """Return the entries that are left after `note`, which may move the clock."""

    async def scenario() -> list[dict[str, Any]]:
        log, clock = Audit(tmp_path / "audit.sqlite"), [0.0]
        refusals = Refusals(log, lambda: clock[0])
        note(refusals, clock)
        await refusals.close()
        rows = [dict(row) for row in await log.rows("SELECT * FROM entry ORDER BY number")]
        await log.close()
        return [row | {"details": json.loads(row["details"])} for row in rows]

    return asyncio.run(scenario())


def test_one_has_who_what_where_and_why(tmp_path: Path) -> None:
    (entry,) = written(tmp_path, lambda refusals, _: refusals.note(refusal(why="x" * 1000)))
    assert (entry["who"], entry["action"], entry["target"], entry["outcome"]) == (
        "vic",
        "drain",
        "substation-1",
        "refused",
    )
    assert entry["details"] == {"why": "x" * MOST_WHY, "code": "not-allowed", "address": "192.0.2.1"}


def test_who_tries_again_and_again_is_listed_a_few_times_and_then_counted(tmp_path: Path) -> None:
    most, every_s = LISTED

    def note(refusals: Refusals, clock: list[float]) -> None:
        for _ in range(most + 100):
            refusals.note(refusal())
        refusals.note(refusal("ann"))  # whom that does not touch
        clock[0] += every_s
        refusals.note(refusal())

    entries = written(tmp_path, note)
    assert [each["who"] for each in entries] == ["vic"] * most + ["ann", "vic"]
    assert entries[-1]["details"]["refusals_not_listed_before"] == 100
