"""The signal that ends a run early, with its reason."""

import asyncio


class StopSignal(asyncio.Event):
    """Set once; `why` is the first reason, in words. `again` is set by a second signal, which ends all waiting.

    `keeps_sessions` leaves the sessions on the grid, even if the options say that a stop ends them.
    """

    why = ""
    keeps_sessions = False

    def __init__(self) -> None:
        super().__init__()
        self.again = asyncio.Event()

    def because(self, why: str) -> None:
        """Stop for this reason; a later reason changes nothing."""
        if not self.is_set():
            self.why = why
            self.set()

    def keeping_sessions(self, why: str) -> None:
        """Stop the sending, and keep the sessions."""
        if not self.is_set():
            self.keeps_sessions = True
        self.because(why)

    def signalled(self, name: str, *, keeps_sessions: bool = False) -> None:
        """Handle a signal: the first one stops the run, the second one ends all waiting."""
        if self.is_set():
            self.again.set()
        elif keeps_sessions:
            self.keeping_sessions(f"{name} came")
        self.because(f"{name} came")
