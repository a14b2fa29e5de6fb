"""Writes refused orders into the audit log, also those that never reached the grid, so that attempts are seen."""

import asyncio
import time
from collections.abc import Callable

from admin_ui.audit.chain import AuditOutcome
from admin_ui.audit.log import AuditLog
from admin_ui.web.refusal import Refusal
from admin_ui.web.throttle import Throttle

LISTED = (
    20,
    30.0,
)  # entries of one person at once, and seconds until one more is written; others are counted
MOST_WHY = 200  # characters


class Refusals:
    """Writes refusals, and limits those of one person. Use it on the event loop's thread."""

    def __init__(self, audit: AuditLog, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` returns seconds."""
        self._audit = audit
        self._clock = clock
        self._listed = Throttle(*LISTED)
        self._left_out: dict[str, int] = {}
        self._writing: set[asyncio.Task[None]] = set()

    def note(self, refusal: Refusal) -> None:
        """Start to write a refusal; the answer to the person does not wait for the disk."""
        now_s = self._clock()
        if self._listed.wait_s(refusal.who, now_s):
            self._left_out[refusal.who] = self._left_out.get(refusal.who, 0) + 1
            return
        self._listed.take(refusal.who, now_s)
        details: dict[str, object] = {
            "why": refusal.why[:MOST_WHY],
            "code": refusal.code,
            "address": refusal.address,
        }
        if left_out := self._left_out.pop(refusal.who, 0):
            details["refusals_not_listed_before"] = left_out
        task = asyncio.create_task(
            self._audit.note(
                refusal.who,
                refusal.action,
                refusal.target,
                AuditOutcome.REFUSED,
                details,
                refusal.reason[:MOST_WHY],
            )
        )
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def close(self) -> None:
        """Wait until all are written."""
        if self._writing:
            await asyncio.wait(self._writing)
