"""A refused order, and what a log of refusals must offer to the handlers.

Pure.
"""

from typing import NamedTuple, Protocol


class Refusal(NamedTuple):
    """One refused order: who asked for what and from which address, the problem's code, why, and the reason given."""

    who: str
    action: str
    target: str
    address: str
    code: str
    why: str
    reason: str = ""


class RefusalLog(Protocol):
    """Keeps refusals; the handlers know only this."""

    def note(self, refusal: Refusal) -> None:
        """Record a refusal without making the caller wait for the disk."""
