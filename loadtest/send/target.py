"""Checks where load may be sent: to this machine, or to a URL on the allow-list.

Pure. Whether a gateway answers there, and whether it is of the same grid as the balancer, is checked later (`loadtest.run.settle`).
"""

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from runtime.settings import urls

LOOPBACK = ipaddress.ip_network("127.0.0.0/8")


def base_url(text: str) -> str:
    """Return one base URL in its plain form; raises ValueError for anything else."""
    found = urls(text)
    if len(found) != 1:
        raise ValueError("one URL is accepted")
    parts = urlsplit(found[0])
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://[{host}]{port}" if ":" in host else f"{parts.scheme}://{host}{port}"


def allow_list(text: str) -> tuple[str, ...]:
    """Return base URLs in their plain form, separated by commas, none for ''; raises ValueError."""
    return tuple(base_url(url) for url in urls(text)) if text else ()


def refusal(url: str, allowed: Collection[str]) -> str:
    """Return why nothing may be sent to a base URL in its plain form; '' when it may."""
    host = urlsplit(url).hostname or ""
    if url in allowed or _is_loopback(host):
        return ""
    return (
        f"the host {host!r} is not a loopback address: a rush hour is for your own grid only"
        f" (if this is yours: --allow-target {url})"
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address in LOOPBACK or address == ipaddress.IPv6Address("::1")
