"""How many files a process may have open, and what that leaves for the connections of a listener."""

import dataclasses
import logging
import resource

from runtime.connections import Limits

log = logging.getLogger(__name__)

# Files besides the connections: streams between services, data, polls of a hundred substations.
OTHERS = 256
LEAST = 64  # connections; a listener with fewer is of no use


class TooFewFiles(OSError):
    """The limit of open files is too low for the connections; the message says how many are needed."""


def fitted(limits: Limits) -> Limits:
    """Raise the soft limit of open files as far as `limits` need; return the limits that fit into it.

    Raises TooFewFiles when they don't fit and may not shrink, or when hardly any connection would be left.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = limits.connections + limits.reserve + OTHERS
    if soft != resource.RLIM_INFINITY and soft < needed:
        allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        if allowed > soft:
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
            soft = allowed
    return limits if soft == resource.RLIM_INFINITY else within(limits, soft)


def within(limits: Limits, files: int) -> Limits:
    """Return `limits`, reduced to fit into this many open files; raises TooFewFiles."""
    needed = limits.connections + limits.reserve + OTHERS
    if files >= needed:
        return limits
    left = files - limits.reserve - OTHERS
    if not limits.shrinks or left < LEAST:
        least = needed if not limits.shrinks else LEAST + limits.reserve + OTHERS
        raise TooFewFiles(
            f"{limits.connections} connections need {needed} open files, and this process may have {files}:"
            f" raise its limit to {least} (ulimit -n, LimitNOFILE)"
            + ("" if limits.shrinks else ", or lower MAX_CONNECTIONS")
        )
    log.warning(
        "fewer connections, because the limit of open files is low",
        extra={"connections": left, "files": files},
    )
    return dataclasses.replace(limits, connections=left)
