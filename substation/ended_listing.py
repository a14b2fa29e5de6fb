"""Which ended sessions a reader asks for, and the places at which their pages begin and go on.

Pure. Rules:

- sessions come newest first, in the order of their places: the number that their ids end with, which rises with the time of
  admission (docs/adr/0035), and means the same at every substation;
- a page goes on before the id of a session, of this substation or of another: a cursor of one continues the pages of all;
- only a bounded number of records is looked at for one answer, so a page may have fewer sessions than were asked for, or none,
  and still go on.
"""

import dataclasses
import re

from substation.contract import SESSION_ID, owner
from substation.session_ids import TICKS_PER_MS

MOST_IN_A_PAGE = 100  # sessions
RANDOM_BITS = 16  # at the end of an id, below its ticks
NO_PLACE = 1 << 64  # above every place
PLACE = re.compile("[0-9a-f]{16}")
_is_session_id = re.compile(SESSION_ID).fullmatch


@dataclasses.dataclass(frozen=True, slots=True)
class EndedQuery:
    """At most `limit` ended sessions at places in [`first`, `before`), newest first.

    `search` is the beginning of the id of a vehicle or a session, or of what a session's has after its last dot, in any case.
    """

    first: int = 0
    before: int = NO_PLACE
    limit: int = 50
    search: str = ""


def place_of_time(unix_ms: int) -> int:
    """Return the first place of sessions that were admitted at a wall time or later."""
    return min(max(unix_ms, 0) * TICKS_PER_MS << RANDOM_BITS, NO_PLACE)


def place_after(cursor: str, substation_id: str) -> int:
    """Return the place before which a substation goes on after a session; raises ValueError for any other text.

    Of two substations with a session at the same place, the one with the higher id comes first.
    """
    digits = cursor.rpartition(".")[2]
    if not _is_session_id(cursor) or not PLACE.fullmatch(digits):
        raise ValueError("is no cursor")
    return int(digits, 16) + (substation_id < owner(cursor))


def session_at(place: int, substation_id: str) -> str:
    """Return the id at a place, above all ids for NO_PLACE."""
    return f"{substation_id}.{place:016x}" if place < NO_PLACE else f"{substation_id}.g"


def place_of(session_id: str) -> int:
    """Return the place of a session."""
    return int(session_id.rpartition(".")[2], 16)
