"""Finds ended sessions in the journal, a bounded number of records at a time, by the index of their ids."""

from runtime.store import Store
from substation.ended_listing import EndedQuery, place_of, session_at
from substation.records import Record
from substation.rows import record_from_row

MOST_LOOKED_AT = 500  # records: below 1 ms of the writer's thread

AHEAD = """
SELECT min(session_id) AS last, count(*) AS looked FROM (
    SELECT session_id FROM record WHERE session_id >= :first AND session_id < :before
    ORDER BY session_id DESC LIMIT :most)
"""
# A natural end is not written: it follows from the plan. `search` has its wildcards escaped.
FOUND = r"""
SELECT * FROM record WHERE session_id >= :last AND session_id < :before
    AND (state = 'stopped' OR state = 'withdrawn' OR (state = 'charging' AND end_ms <= :grid_ms))
    AND (vehicle_id LIKE :search ESCAPE '\' OR session_id LIKE :search ESCAPE '\' OR substr(session_id, -16) LIKE :search ESCAPE '\')
ORDER BY session_id DESC LIMIT :limit
"""


def find_ended(store: Store, query: EndedQuery, substation_id: str, grid_ms: int) -> tuple[list[Record], int]:
    """Return sessions that have ended by a grid time, and the place before which the search goes on (0: it is at its end)."""
    bounds = {
        "first": session_at(query.first, substation_id),
        "before": session_at(query.before, substation_id),
        "most": MOST_LOOKED_AT,
    }
    ahead = store.rows(AHEAD, bounds)[0]
    if not ahead["looked"]:
        return [], 0
    search = query.search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    rows = store.rows(
        FOUND,
        {
            "last": ahead["last"],
            "before": bounds["before"],
            "grid_ms": grid_ms,
            "search": f"{search}%",
            "limit": query.limit,
        },
    )
    if len(rows) == query.limit:
        place = place_of(rows[-1]["session_id"])
    else:
        place = place_of(ahead["last"]) if ahead["looked"] == MOST_LOOKED_AT else 0
    return [record_from_row(row) for row in rows], place
