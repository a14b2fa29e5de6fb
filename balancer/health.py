"""The health of one polled address: healthy, suspect after a miss, ejected after three, probed back in.

A refusal for lack of room is not a failure and never comes here.
"""

import dataclasses
from enum import StrEnum

EJECT_AFTER = 3  # misses in a row, or polls without a report
PROBES = 2  # polls in a row that must succeed before an ejected one is healthy again


class State(StrEnum):
    """What a balancer thinks of a substation."""

    UNSEEN = "unseen"
    HEALTHY = "healthy"
    SUSPECT = "suspect"
    PROBING = "probing"
    EJECTED = "ejected"
    CONFLICT = "conflict"  # its identity is in doubt: two journals, or its stream is another's
    GONE = "gone"  # its address is not watched any more, or is another's


@dataclasses.dataclass(slots=True)
class Health:
    """Counts of one address."""

    misses: int = 0
    probes_left: int = 0

    def missed(self) -> None:
        """A poll failed or came too late."""
        self.misses += 1
        if self.misses >= EJECT_AFTER or self.probes_left:
            self.probes_left = PROBES

    def answered(self) -> None:
        """A poll succeeded."""
        self.misses = 0
        self.probes_left = max(0, self.probes_left - 1)

    def state(self, report_age_s: float, poll_s: float, *, linked: bool) -> State:
        """Return the state, given the age of the newest report and whether the stream is up."""
        if self.misses >= EJECT_AFTER or report_age_s > EJECT_AFTER * poll_s:
            return State.EJECTED
        if self.probes_left:
            return State.PROBING
        return State.SUSPECT if self.misses or not linked else State.HEALTHY
