"""What ends a run early, and why."""

import asyncio


class Stop(asyncio.Event):
    """Set once; `why` is the first reason, in words."""

    why = ""

    def because(self, why: str) -> None:
        """Stop; what comes after the first reason changes nothing."""
        if not self.is_set():
            self.why = why
            self.set()
