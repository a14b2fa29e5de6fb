"""What ends a run early, and why."""

import asyncio


class StopSignal(asyncio.Event):
    """Set once; `why` is the first reason, in words. `again` is set by a second request, which waits no longer.

    `keeps_sessions` leaves the sessions on the grid, even if the order says that a stop ends them.
    """

    why = ""
    keeps_sessions = False

    def __init__(self) -> None:
        super().__init__()
        self.again = asyncio.Event()

    def because(self, why: str) -> None:
        """Stop; what comes after the first reason changes nothing."""
        if not self.is_set():
            self.why = why
            self.set()

    def keeping_sessions(self, why: str) -> None:
        """Stop the sending only."""
        if not self.is_set():
            self.keeps_sessions = True
        self.because(why)

    def signalled(self, name: str, *, keeps_sessions: bool = False) -> None:
        """A signal came: stop, or leave at once what a stop still waits for."""
        if self.is_set():
            self.again.set()
        elif keeps_sessions:
            self.keeping_sessions(f"{name} came")
        self.because(f"{name} came")
