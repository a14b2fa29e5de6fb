"""Looks names up: `dns://name:port` stands for all addresses that a name has."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

# As loop.getaddrinfo: host and port to a list whose entries end with (address, port, ...).
Resolve = Callable[[str, int], Awaitable[list[tuple[Any, ...]]]]


async def resolve(name: str, port: int) -> list[tuple[Any, ...]]:
    """Return the addresses of a name, A and AAAA, without blocking the event loop."""
    loop = asyncio.get_running_loop()
    return list(await loop.getaddrinfo(name, port, type=socket.SOCK_STREAM))


async def looked_up(source: str, resolve: Resolve) -> frozenset[str]:
    """Return the addresses behind `dns://name:port` as `host:port`, without those of one link only.

    Raises OSError or UnicodeError when the name can't be looked up.
    """
    parts = urlsplit(source)
    found = await resolve(parts.hostname or "", parts.port or 0)
    return frozenset(host_and_port(*entry[-1][:2]) for entry in found if "%" not in entry[-1][0])


def host_and_port(address: str, port: int) -> str:
    """Return `address:port`, with brackets around an IPv6 address."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
