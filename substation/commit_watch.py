"""Whether commits come in time: a substation whose disk stalls must not look like an empty one.

Pure: times are seconds of a monotonic clock. Rules:

- what has waited for its commit for longer than LATE_S makes commits late;
- they are late until PROBES commits in a row, made for that, took less: a disk that takes seconds for each
  sync does not become ready between two of them.
"""

LATE_S = 1.0  # a commit takes milliseconds
PROBES = 2


class CommitWatch:
    """Remembers whether commits were late."""

    def __init__(self) -> None:
        self._probes_left = 0

    def late(self, oldest_s: float) -> bool:
        """Return whether commits are late, the oldest request without one being `oldest_s` old."""
        if oldest_s > LATE_S:
            self._probes_left = PROBES
        return self._probes_left > 0

    def probed(self, took_s: float) -> None:
        """A commit was made to see how long it takes."""
        self._probes_left = PROBES if took_s > LATE_S else max(0, self._probes_left - 1)
