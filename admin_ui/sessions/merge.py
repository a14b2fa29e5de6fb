"""Merges the lists of the substations into one page, in the order of their keys.

Pure: `fetch` does what has to be waited for. Each list is read in pages of its own, as far as the merged page needs it.
"""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from admin_ui.sessions.answer import COUNTS, ListedSession, Listing

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
            self.counts = self.counts or listing.counts
            self.read.extend(listing.sessions)
        if self.read:
            self._cursor = self.read[-1].document["cursor"]


def at_once(limit: int, sources: int) -> int:
    """Return how many sessions each substation is asked for: twice its share of the page."""
    return min(limit, max(LEAST_AT_ONCE, -(-2 * limit // max(sources, 1))))


async def merged(
    sources: list[Source], limit: int, fetch: Fetch, all_of: AllOf, *, descending: bool
) -> list[ListedSession]:
    """Return the first `limit` sessions of all sources."""
    found: list[ListedSession] = []
    step = at_once(limit, len(sources))
    pick = max if descending else min
    while len(found) < limit:
        if unknown := [source for source in sources if source.unknown]:
            await all_of(source.go_on(fetch, step) for source in unknown)
        elif known := [source for source in sources if source.read]:
            found.append(pick(known, key=lambda source: source.read[0].key).read.popleft())
        else:
            break
    return found


def sums(sources: list[Source]) -> dict[str, int]:
    """Return the counts of all substations that answered."""
    return {name: sum(each.counts[name] for each in sources if each.counts) for name in COUNTS}
