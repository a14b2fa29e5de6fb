"""How many files a process may have open, and what that leaves for the connections of a listener."""

import dataclasses
import logging
import resource

from runtime.connections import Limits

log = logging.getLogger(__name__)

OTHERS = (
    256  # files besides the connections: gRPC's streams and sockets, data, polls of a hundred substations
)
LEAST = 64  # connections, below which a listener is of no use


class TooFewFiles(OSError):  # noqa: N818 - a state of the machine
    """The limit of open files leaves too few for the connections; the message says how many it takes."""


def fitted(limits: Limits) -> Limits:
    """Raise the soft limit of open files as far as `limits` need it; return them as they fit.

    Raises TooFewFiles when they don't, and either may not be fewer or there would be hardly any.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = limits.connections + limits.reserve + OTHERS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        if allowed > soft:
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
            soft = allowed
    return limits if soft == resource.RLIM_INFINITY else within(limits, soft)


def within(limits: Limits, files: int) -> Limits:
    """Return `limits` as they fit into so many open files; raises TooFewFiles."""
    wanted = limits.connections + limits.reserve + OTHERS
    if files >= wanted:
        return limits
    left = files - limits.reserve - OTHERS
    if not limits.shrinks or left < LEAST:
        least = wanted if not limits.shrinks else LEAST + limits.reserve + OTHERS
        message = (
            f"{limits.connections} connections take {wanted} open files, and this process may have {files}:"
            f" raise its limit to {least} (ulimit -n, LimitNOFILE)"
        )
        raise TooFewFiles(message + ("" if limits.shrinks else ", or lower MAX_CONNECTIONS"))
    log.warning("fewer connections, for few files may be open", extra={"connections": left, "files": files})
    return dataclasses.replace(limits, connections=left)
