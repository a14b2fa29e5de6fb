"""Limits how often a name and a password are tried: by browser, by name, and by address.

Pure: time comes as seconds of a monotonic clock.
"""

import hashlib
import ipaddress
from typing import NamedTuple

from admin_ui.people.document import NAME
from admin_ui.web.throttle import Throttle

# Attempts at once, and seconds until one more is allowed.
BY_BROWSER = (10, 30.0)  # from a browser in which this person is or was logged in
BY_NAME_AND_ADDRESS = (10, 30.0)  # from any other browser
BY_NAME = (100, 30.0)  # from all other browsers together, against guesses from many addresses
BY_ADDRESS = (20, 10.0)  # from all other browsers at one address, for all names; people may share an address


class AttemptSource(NamedTuple):
    """Where an attempt comes from: the address, and the device or the open login of a known browser."""

    address: str
    device: str = ""
    login: str = ""


class AttemptLimits:
    """Takes an attempt before its result is known; a successful one is given back."""

    def __init__(self) -> None:
        self._by_browser, self._by_name_and_address = Throttle(*BY_BROWSER), Throttle(*BY_NAME_AND_ADDRESS)
        self._by_name, self._by_address = Throttle(*BY_NAME), Throttle(*BY_ADDRESS)

    def take(self, name: str, source: AttemptSource, now_s: float) -> float:
        """Take an attempt; returns the seconds that it must wait, and then it is not taken."""
        keys = self._keys(name, source)
        if wait_s := max(throttle.wait_s(key, now_s) for throttle, key in keys):
            return wait_s
        for throttle, key in keys:
            throttle.take(key, now_s)
        return 0.0

    def give_back(self, name: str, source: AttemptSource, now_s: float) -> None:
        """Give a successful attempt back."""
        for throttle, key in self._keys(name, source):
            throttle.give_back(key, now_s)

    def _keys(self, name: str, source: AttemptSource) -> list[tuple[Throttle, str]]:
        """Return the limits that an attempt counts against; unknown browsers never use up those of a known one."""
        if browser := source.device or source.login:
            # Its digest: who reads the memory of this process later finds no login in it that might still last.
            known = hashlib.sha256(browser.encode("utf-8", "surrogatepass")).hexdigest()
            return [(self._by_browser, f"{name} {known}")]
        who, where = name if NAME.fullmatch(name) else "", network(source.address)
        return [
            (self._by_name_and_address, f"{who} {where}"),
            (self._by_name, who),
            (self._by_address, where),
        ]


def network(address: str) -> str:
    """Return the network that counts as one client: an IPv4 address, or the /64 of an IPv6 address.

    A customer usually has a whole IPv6 /64. Returns '' for anything that is no address.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)
