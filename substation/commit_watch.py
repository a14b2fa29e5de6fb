"""Watches whether commits are late, because a substation with a stalled disk must not look empty.

Pure: times are seconds of a monotonic clock. Rules:

- commits are late once a request has waited for its commit for longer than LATE_S;
- they stay late until PROBES test commits in a row took less. So a disk that takes seconds for each sync does
  not become ready between two of them.
"""

LATE_S = 1.0  # a commit takes milliseconds
PROBES = 2


class CommitWatch:
    """Remembers whether commits were late."""

    def __init__(self) -> None:
        self._probes_left = 0

    def late(self, oldest_s: float) -> bool:
        """Return whether commits are late; the oldest request without a commit has waited for `oldest_s`."""
        if oldest_s > LATE_S:
            self._probes_left = PROBES
        return self._probes_left > 0

    def probed(self, took_s: float) -> None:
        """A test commit took this many seconds."""
        self._probes_left = PROBES if took_s > LATE_S else max(0, self._probes_left - 1)
