"""The request for a vehicle's sessions: what its query may hold, and the page that answers it.

Pure. The table PARAMETERS is for the query what FIELDS is for the body.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from balancer.contract import CURSOR, BalancerAnswer, ListSessions
from gateway.callers import Caller
from gateway.charge import FIELDS, Fault, Field, Invalid, fault_of, session_json, unknown

PARAMETERS = (
    next(field for field in FIELDS if field.name == "vehicle_id"),
    Field(
        "limit",
        "Sessions on a page",
        {"type": "integer", "minimum": 1, "maximum": 100},
        "a whole number from 1 to 100",
        default=20,
    ),
    Field(
        "cursor",
        "Where the page begins: `next` of the page before holds it",
        {"type": "string", "pattern": f"^{CURSOR}$"},
        "what `next` of the page before holds",
    ),
)


def page(query: Mapping[str, Sequence[bytes]], caller: Caller) -> ListSessions:
    """Return what a query asks for; raises Invalid with every fault at once."""
    values = {name: _value(name, given[-1]) for name, given in query.items()}
    faults = []
    for parameter in PARAMETERS:
        if len(query.get(parameter.name, ())) > 1:
            faults.append(Fault(parameter.name, "is given more than once"))
        elif fault := fault_of(parameter, values):
            faults.append(fault)
    if faults := faults + unknown(query, PARAMETERS, "parameter"):
        raise Invalid(faults)
    defaults = {parameter.name: parameter.default for parameter in PARAMETERS if parameter.default}
    wanted: dict[str, Any] = {"cursor": ""} | defaults | values
    return ListSessions(caller.vehicle(wanted["vehicle_id"]), wanted["cursor"], wanted["limit"], caller.name)


def page_json(asked: ListSessions, answer: BalancerAnswer, caller: Caller) -> dict[str, Any]:
    """Return the body of a page; `next` is where the next one is, None at the end."""
    following = {
        "vehicle_id": caller.shown(asked.vehicle_id),
        "limit": asked.limit,
        "cursor": answer.next_cursor,
    }
    return {
        "sessions": [session_json(session, caller) for session in answer.sessions],
        "next": f"/charge?{urlencode(following)}" if answer.next_cursor else None,
    }


def _value(name: str, given: bytes) -> str | int:
    text = given.decode(errors="replace")
    return int(text) if name == "limit" and re.fullmatch("[0-9]{1,9}", text) else text
