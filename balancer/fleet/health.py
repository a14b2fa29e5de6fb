"""The health of one polled address: healthy, suspect after a miss, ejected after three, probed back in.

Pure: time comes as seconds of a monotonic clock. A polled page says nothing about the disk. So a late call makes a substation suspect too, for a time that doubles
each time that this happens again, until a call is decided in time.

A refusal for lack of room is not a failure and never comes here.
"""

import dataclasses
import math
from enum import StrEnum

EJECT_AFTER = 3  # misses in a row, or polls without a report
PROBES = 2  # polls in a row that must succeed before an ejected one is healthy again
SUSPECT_S = 5.0  # after a late call. It doubles, because a request that meets a stalled disk is stuck there
MOST_EPISODES = 5  # that count; the last one lasts 80 s


class HealthState(StrEnum):
    """The state of a substation, as a balancer judges it."""

    UNSEEN = "unseen"
    HEALTHY = "healthy"
    SUSPECT = "suspect"
    PROBING = "probing"
    EJECTED = "ejected"
    CONFLICT = "conflict"  # its identity is in doubt: two journals, or its stream is another's
    GONE = "gone"  # its address is not watched any more, or is another's


@dataclasses.dataclass(slots=True)
class Health:
    """The health of one address: its misses, its successes and its late calls."""

    misses: int = 0
    probes_left: int = 0
    episodes: int = 0  # of late calls since the last prompt one
    suspect_until_s: float = -math.inf

    def late(self, now_s: float) -> None:
        """Count a call that has had no answer for too long; calls that are late together are one episode."""
        if now_s >= self.suspect_until_s:
            self.episodes = min(self.episodes + 1, MOST_EPISODES)
        suspect_s = SUSPECT_S * 2 ** (self.episodes - 1)
        self.suspect_until_s = max(self.suspect_until_s, now_s + suspect_s)

    def prompt(self, now_s: float) -> None:
        """Count a call that was decided in time: the disk takes commits again."""
        if now_s < self.suspect_until_s:
            self.suspect_until_s = now_s
        else:
            self.episodes = max(0, self.episodes - 1)

    def missed(self) -> None:
        """Count a poll that failed or came too late."""
        self.misses += 1
        if self.misses >= EJECT_AFTER or self.probes_left:
            self.probes_left = PROBES

    def answered(self) -> None:
        """Count a poll that succeeded."""
        self.misses = 0
        self.probes_left = max(0, self.probes_left - 1)

    def state(self, report_age_s: float, poll_s: float, now_s: float = 0.0, *, linked: bool) -> HealthState:
        """Return the state at a monotonic time, given the age of the newest report and whether the stream is up."""
        if self.misses >= EJECT_AFTER or report_age_s > EJECT_AFTER * poll_s:
            return HealthState.EJECTED
        if self.probes_left:
            return HealthState.PROBING
        late = now_s < self.suspect_until_s
        return HealthState.SUSPECT if self.misses or late or not linked else HealthState.HEALTHY
