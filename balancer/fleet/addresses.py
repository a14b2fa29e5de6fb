"""The polled addresses: the health of each, and the substation whose page it showed last.

Pure.
"""

from balancer.fleet.health import EJECT_AFTER, Health


class Addresses:
    """The watched addresses, and the names of which no address is known yet.

    `vacated` are addresses of substations that were given up: no substation is expected there. `unresolved` are
    names that were not resolved yet. `upsets` rises whenever a substation that was healthy may not be so any more.
    """

    def __init__(self) -> None:
        self.upsets = 0
        self.vacated: frozenset[str] = frozenset()
        self.unresolved: set[str] = set()
        self._health: dict[str, Health] = {}
        self._shown: dict[str, str] = {}  # by address, the id on the page that it has shown last

    def __len__(self) -> int:
        """Return how many addresses are watched."""
        return len(self._health)

    def watch(self, url: str) -> None:
        """Expect a substation at `url`."""
        self._health.setdefault(url, Health())

    def unwatch(self, url: str) -> None:
        """Expect no substation at `url` any more; the one that was there is gone until it is seen again."""
        self._health.pop(url, None)
        self._shown.pop(url, None)
        self.upsets += 1

    def missed(self, url: str) -> None:
        """Count a failed poll of `url`."""
        self._health[url].missed()
        self.upsets += 1

    def answered(self, url: str, substation_id: str) -> Health:
        """Count a poll of `url` that found a substation's page; returns the health of the address.

        Raises KeyError, and notes nothing, when `url` is not watched.
        """
        health = self._health[url]  # first: an address that is not watched must leave no trace
        health.answered()
        if self._shown.get(url) != substation_id:
            self._shown[url] = substation_id
            self.upsets += 1
        return health

    def belongs_to(self, url: str, substation_id: str) -> bool:
        """Whether `url` is watched and has not shown another substation's page since."""
        return url in self._health and self._shown.get(url, substation_id) == substation_id

    def confirms(self, url: str, substation_id: str) -> bool:
        """Whether the last poll of `url` found this substation."""
        health = self._health.get(url)
        return bool(health and not health.misses and self._shown.get(url) == substation_id)

    def unseen(self) -> list[str]:
        """Return the names without an address, and the watched addresses where no substation was ever seen."""
        known = self.vacated | self._shown.keys()
        return [*sorted(self.unresolved), *(url for url in self._health if url not in known)]

    def undecided(self) -> list[str]:
        """Return the addresses that may still answer, but where no substation was seen yet."""
        return [url for url in self.unseen() if (h := self._health.get(url)) and h.misses < EJECT_AFTER]
