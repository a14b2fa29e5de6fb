"""What clients were told, held against the journals: what is lost, doubled, or above capacity."""

import collections
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from tests.support.duplicated_load import Request
from tests.support.grid import most_at_once
from tests.support.reserved import journaled


def held_against(
    journals: Mapping[str, Sequence[sqlite3.Row]], requests: Sequence[Request], capacity_w: int
) -> dict[str, Any]:
    """Return what the journals of substations, all of one capacity, say of all that clients were told.

    A request whose client never had an answer may have a session or none: only a 201 says that there is one. The
    vehicle of a request is named as its key.
    """
    rows = [row for each in journals.values() for row in each]
    written = {(row["session_id"], row["vehicle_id"]) for row in rows}
    of_key = collections.Counter(row["vehicle_id"] for row in rows)
    told = {(name, one.key) for one in requests for name in one.session_ids}
    twice = {key for key, count in of_key.items() if count > 1}
    twice |= {one.key for one in requests if len(one.session_ids) > 1}
    highest_w = max(
        most_at_once([part for row in each for part in journaled(row)]) for each in journals.values()
    )
    return {
        "keys": len(requests),
        "accepted": sum(bool(one.session_ids) for one in requests),
        "sessions": len(rows),
        "lost": len(told - written),
        "doubled": len(twice),
        "highest load": f"{highest_w / capacity_w:.1%}",
        "above capacity, W": max(0, highest_w - capacity_w),
    }
