"""`python -m deploy.local.supervisor`: supervisord, which starts its programs at once, and reads many lines in one look.

supervisord's own loop starts them only after it has waited a second for something to read, and at first there is nothing.
It also looks at all of its programs for each line that one of them logs: 0.1 to 0.4 ms for each admission that is logged
(docs/adr/0038).
"""

import time
from collections.abc import Callable
from typing import Any

from supervisor import supervisord

LOOK_EVERY_S = 0.02  # at most; a pipe has room for 64 KiB of lines meanwhile


class PromptSupervisor(supervisord.Supervisor):  # type: ignore[misc]  # supervisor has no types
    """supervisord with one step before its loop, and fewer looks in it."""

    def runforever(self) -> None:
        """Start the programs, then do as supervisord does."""
        for group in sorted(self.process_groups.values()):
            group.transition()
        poller = self.options.poller
        poller.poll = spaced(poller.poll, LOOK_EVERY_S)
        super().runforever()


def spaced(
    poll: Callable[[float], Any],
    every_s: float,
    clock_s: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Callable[[float], Any]:
    """Return `poll` such that it begins `every_s` after it has ended, or later; what it finds is returned at once."""
    last_s = clock_s() - every_s

    def look(timeout_s: float) -> Any:
        nonlocal last_s
        if (early_s := last_s + every_s - clock_s()) > 0:
            sleep(early_s)
        found = poll(timeout_s)
        last_s = clock_s()
        return found

    return look


def main() -> None:
    """Run supervisord with the arguments of this process."""
    supervisord.Supervisor = PromptSupervisor  # supervisord.go makes one of the class by that name
    supervisord.main()


if __name__ == "__main__":
    main()
