"""Merges the lists of the substations into one page, in the order of their keys.

Pure: `fetch` does what has to be waited for. Each list is read in pages of its own, as far as the merged page needs it.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from admin_ui.sessions.answer import COUNTS, Key, ListedSession, Listing

LEAST_AT_ONCE = (
    8  # sessions of a substation, so that few rounds are enough even when all that is wanted is at one
)

# Reads some sessions of a substation past a cursor ('': from the place where the query begins).
Fetch = Callable[[str, str, int], Awaitable[Listing | None]]
AllOf = Callable[[Iterable[Awaitable[None]]], Awaitable[object]]  # waits for several at once


class Source:
    """The list of one substation, as far as it was read; `counts` is None when it did not answer."""

    def __init__(self, substation_id: str) -> None:
        self.substation_id = substation_id
        self.counts: dict[str, int] | None = None
        self.read: deque[ListedSession] = deque()
        self.reached: Key | None = None  # the place that its list was read up to, where it says so
        self._more = True
        self._cursor = ""

    @property
    def unknown(self) -> bool:
        """Whether its next session is not read yet."""
        return self._more and not self.read

    async def go_on(self, fetch: Fetch, limit: int) -> None:
        """Read some more sessions; a substation that does not answer has no more."""
        listing = await fetch(self.substation_id, self._cursor, limit)
        self._more = bool(listing and listing.more)
        if listing:
            if self.reached and listing.reached and listing.reached >= self.reached:
                self._more = False  # it leads back: no list of a substation does
            self.counts = self.counts or listing.counts
            self.read.extend(listing.sessions)
            self.reached = listing.reached
            if self._more:
                self._cursor = listing.next or self.read[-1].document["cursor"]


def at_once(limit: int, sources: int) -> int:
    """Return how many sessions each substation is asked for: twice its share of the page."""
    return min(limit, max(LEAST_AT_ONCE, -(-2 * limit // max(sources, 1))))


async def merged(
    sources: list[Source],
    limit: int,
    fetch: Fetch,
    all_of: AllOf,
    *,
    descending: bool,
    goes_on: Callable[[], bool] = lambda: True,
) -> list[ListedSession]:
    """Return the first `limit` sessions of all sources.

    All are asked once. When it no longer `goes_on` after that, the sessions up to the places that all have reached are returned.
    """
    found: list[ListedSession] = []
    asked = False
    step = at_once(limit, len(sources))
    pick = max if descending else min
    while len(found) < limit:
        unknown = [source for source in sources if source.unknown]
        if unknown and (not asked or goes_on()):
            asked = True
            await all_of(source.go_on(fetch, step) for source in unknown)
            continue
        known = [source for source in sources if source.read]
        if not known:
            break
        first = pick(known, key=lambda source: source.read[0].key)
        if unknown and first.read[0].key != pick([first.read[0].key, *places(unknown)]):
            break  # an unread session of another substation may come before it
        found.append(first.read.popleft())
    return found


def places(sources: list[Source]) -> list[Key]:
    """Return the places that the lists of some sources were read up to."""
    return [source.reached for source in sources if source.reached]


def sums(sources: list[Source]) -> dict[str, int]:
    """Return the counts of all substations that answered."""
    return {name: sum(each.counts[name] for each in sources if each.counts) for name in COUNTS}
