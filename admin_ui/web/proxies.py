"""Finds the client's address behind trusted proxies.

Pure. Only addresses in `X-Forwarded-For` that a trusted proxy added count. Everything before them was written by the
client, and is ignored.
"""

import ipaddress
from collections.abc import Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(text: str) -> tuple[Network, ...]:
    """Parse networks and addresses separated by commas; raises ValueError, also for a network of all addresses."""
    found: list[Network] = []
    for part in filter(None, (each.strip() for each in text.split(","))):
        try:
            network = ipaddress.ip_network(part, strict=False)
        except ValueError:
            raise ValueError(
                f"{part!r} is not an address or network such as 192.0.2.7 or 10.0.0.0/24"
            ) from None
        if not network.prefixlen:
            raise ValueError(f"{part} includes all addresses: name only those of your proxies")
        found.append(network)
    return tuple(found)


def among(address: str, trusted: Sequence[Network]) -> bool:
    """Whether an address is one of the trusted proxies."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return any((mapped or found) in network for network in trusted)


def client(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """Return the client's address: the last one that is not a trusted proxy's.

    `peer` is the other end of the connection. A malformed address ends the search.
    """
    last = peer
    for added in reversed([part.strip() for part in forwarded_for.split(",")]):
        if not among(last, trusted):
            break
        try:
            last = str(ipaddress.ip_address(added))
        except ValueError:
            break
    return last
