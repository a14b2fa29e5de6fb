"""The balancers that the console follows: which there are, how each stands, and which one is asked first.

Pure: time comes as unix seconds.
"""

import dataclasses
from collections.abc import Iterable
from urllib.parse import urlsplit


def name_of(url: str) -> str:
    """Return the address of a balancer, by which people know it: `host:port`."""
    return urlsplit(url).netloc


@dataclasses.dataclass(slots=True)
class FollowedBalancer:
    """One balancer. `why` says in words why it is not up; `heard_unix_s` is when its last message came, None before the first."""

    url: str
    up: bool = False
    why: str = "it has not answered yet"
    heard_unix_s: float | None = None

    @property
    def name(self) -> str:
        """Its address, by which people know it: `host:port`."""
        return name_of(self.url)


class Balancers:
    """The balancers by base URL. All of them know the same substations and the same orders of operators."""

    def __init__(self, urls: Iterable[str] = ()) -> None:
        self.by_url: dict[str, FollowedBalancer] = {}
        self.know(urls)

    @property
    def several(self) -> bool:
        """Whether there is more than one."""
        return len(self.by_url) > 1

    @property
    def any_up(self) -> bool:
        """Whether one of them is up."""
        return any(each.up for each in self.by_url.values())

    @property
    def names(self) -> list[str]:
        """The addresses of all."""
        return [each.name for each in self.by_url.values()]

    def know(self, urls: Iterable[str]) -> list[str]:
        """Know these and no others; returns those that were known before and are no more."""
        wanted = list(dict.fromkeys(urls))
        gone = [url for url in self.by_url if url not in wanted]
        self.by_url = {url: self.by_url.get(url) or FollowedBalancer(url) for url in wanted}
        return gone

    def heard(self, url: str, unix_s: float) -> None:
        """Record a message of a balancer."""
        if each := self.by_url.get(url):
            each.up, each.why, each.heard_unix_s = True, "", unix_s

    def lost(self, url: str, why: str) -> None:
        """Record that a balancer is lost, and why."""
        if each := self.by_url.get(url):
            each.up, each.why = False, why

    def is_up(self, url: str) -> bool:
        """Whether a balancer is up."""
        return url in self.by_url and self.by_url[url].up

    def to_ask(self, first: str | None = None) -> list[str]:
        """Return all of them in the order in which they are asked: those that are up, `first` before the others."""
        return sorted(self.by_url, key=lambda url: (not self.by_url[url].up, url != first))
