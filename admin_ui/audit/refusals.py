"""Writes orders that were refused before the grid was asked into the audit log, so that a person who tries is seen."""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

from admin_ui.audit.chain import AuditOutcome
from admin_ui.audit.log import Audit
from admin_ui.web.throttle import Throttle

LISTED = (20, 30.0)  # of one person at once, and seconds until there is one more; others are counted
MOST_WHY = 200  # characters


class Refusal(NamedTuple):
    """Who wanted to do what, from which address, why it was refused (a code and words), and the reason given."""

    who: str
    action: str
    target: str
    address: str
    code: str
    why: str
    reason: str = ""


class Refusals:
    """Writes them, not too many of one person; to be used on the event loop's thread."""

    def __init__(self, audit: Audit, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` returns seconds."""
        self._audit = audit
        self._clock = clock
        self._listed = Throttle(*LISTED)
        self._left_out: dict[str, int] = {}
        self._writing: set[asyncio.Task[None]] = set()

    def note(self, refusal: Refusal) -> None:
        """Have one written; the answer to who asked does not wait for the disk."""
        now_s = self._clock()
        if self._listed.wait_s(refusal.who, now_s):
            self._left_out[refusal.who] = self._left_out.get(refusal.who, 0) + 1
            return
        self._listed.take(refusal.who, now_s)
        told: dict[str, object] = {
            "why": refusal.why[:MOST_WHY],
            "code": refusal.code,
            "address": refusal.address,
        }
        if left_out := self._left_out.pop(refusal.who, 0):
            told["refusals_not_listed_before"] = left_out
        task = asyncio.create_task(
            self._audit.note(
                refusal.who,
                refusal.action,
                refusal.target,
                AuditOutcome.REFUSED,
                told,
                refusal.reason[:MOST_WHY],
            )
        )
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def close(self) -> None:
        """Wait until all are written."""
        if self._writing:
            await asyncio.wait(self._writing)
