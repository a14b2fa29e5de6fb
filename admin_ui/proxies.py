"""Which address a request comes from, when proxies stand in front.

Pure. Only a named proxy is believed in what it adds to `X-Forwarded-For`, and only the addresses that named
proxies have added count: everything before them is the client's own words.
"""

import ipaddress
from collections.abc import Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(text: str) -> tuple[Network, ...]:
    """Return networks and addresses, separated by commas; raises ValueError, also for one that holds everybody."""
    found: list[Network] = []
    for part in filter(None, (each.strip() for each in text.split(","))):
        try:
            network = ipaddress.ip_network(part, strict=False)
        except ValueError:
            message = f"{part!r} is no address or network such as 192.0.2.7 or 10.0.0.0/24"
            raise ValueError(message) from None
        if not network.prefixlen:
            message = f"{part} is everybody: name the addresses of your proxies"
            raise ValueError(message)
        found.append(network)
    return tuple(found)


def among(address: str, trusted: Sequence[Network]) -> bool:
    """Whether an address is one of the named proxies."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return any((mapped or found) in network for network in trusted)


def client(peer: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """Return the client's address: the last one that no named proxy has.

    `peer` is who the connection comes from. What is no address ends the search: who added it is not believed.
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
