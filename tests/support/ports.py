"""Free ports for tests.

They lie below those that the system gives to connections. Otherwise a service that is started again on its port may
find it taken by a connection that happens to be sent from there.
"""

import itertools
import os
import socket

BELOW_CONNECTIONS = range(10_240, 19_440)  # tests.support.grid takes ports from 20,000 on
EACH = 1_150  # for a worker
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_begin = BELOW_CONNECTIONS[_worker % 8 * EACH]
_ports = itertools.cycle(range(_begin, _begin + EACH))
for _ in range(os.getpid() % EACH):  # processes that are no workers begin at different ones
    next(_ports)


def free_port() -> int:
    """Return a port that was free a moment ago, and that this process has not returned for long."""
    for port in _ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("itertools.cycle has no end")


def free_ports(count: int) -> list[int]:
    """Return different ports, as `free_port` does."""
    return [free_port() for _ in range(count)]
