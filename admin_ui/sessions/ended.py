"""Ended sessions of a time range, newest first: what substations are asked for them, and a page of what they answer.

Pure. A session's place is the number that its id ends with, and then its substation: docs/adr/0067.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from admin_ui.sessions.answer import TIME_BITS, ListedSession, Listing, ended_of, place_of
from admin_ui.sessions.merge import Source, places
from admin_ui.sessions.query import MOST_CURSOR, MOST_ID, USUAL, short
from admin_ui.web import time_range

NO_SESSION = f"any.{0:016x}"


@dataclasses.dataclass(frozen=True, slots=True)
class EndedQuery:
    """At most `limit` sessions past the id `after`, that began in [`from_unix_ms`, `to_unix_ms`) and that `search` fits."""

    from_unix_ms: int = time_range.FIRST_MS
    to_unix_ms: int = time_range.LAST_MS
    after: str = ""
    limit: int = USUAL
    search: str = ""
    substation_id: str = ""

    @property
    def path(self) -> str:
        """The list of a substation."""
        return "/sessions/ended"

    @property
    def start(self) -> str:
        """The cursor at which the page begins."""
        return self.after

    def parameters(self, cursor: str, limit: int) -> dict[str, str]:
        """Return the query for `limit` sessions past a cursor."""
        wanted = {
            "from": str(self.from_unix_ms),
            "to": str(self.to_unix_ms),
            "limit": str(limit),
            "search": self.search,
            "after": cursor,
        }
        return {name: value for name, value in wanted.items() if value}

    def read(self, answer: Any, substation_id: str) -> Listing:
        """Read an answer; raises ValueError for what is none."""
        return ended_of(answer, substation_id)


def parse_ended(argument: Callable[[str], str]) -> EndedQuery:
    """Return the query in the parameters of a request; raises ValueError, which names the parameter."""
    wanted: Mapping[str, str] = {name: argument(name) for name in ("from", "to")}
    after = short("after", argument("after"), MOST_CURSOR)
    try:
        place_of(after or NO_SESSION)
    except ValueError:
        raise ValueError("after is no id of a session") from None
    return EndedQuery(
        *time_range.bounds(wanted),
        after,
        USUAL,
        short("q", argument("q").strip(), MOST_ID),
        short("substation", argument("substation"), MOST_ID),
    )


def ended_page(found: list[ListedSession], sources: list[Source], limit: int) -> dict[str, Any]:
    """Return a page as JSON has it: `sessions`, `next`, and `searched` when the search took too long to fill it.

    Such a page ends at the place that was reached at all substations: `searched` is its time in unix milliseconds, else None.
    """
    documents = [each.document for each in found]
    unknown = [source for source in sources if source.unknown]
    if len(found) < limit and (reached := places(unknown)):
        number, substation_id = max(reached)
        return {
            "sessions": documents,
            "next": f"{substation_id}.{number:016x}",
            "searched": int(number) >> TIME_BITS,
        }
    more = unknown or any(source.read for source in sources)
    after = documents[-1]["session_id"] if documents and more else None
    return {"sessions": documents, "next": after, "searched": None}
