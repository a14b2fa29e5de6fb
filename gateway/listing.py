"""The request for a vehicle's sessions: what its query may hold, and the page that answers it.

Pure. The table PARAMETERS describes the query as FIELDS describes the body.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from balancer.contract import CURSOR, BalancerAnswer, ListSessions
from gateway.callers import Caller
from gateway.fields import FIELDS, Fault, Field, InvalidFields, fault_of, unknown
from gateway.session_json import session_json

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
    """Return the command for a query; raises InvalidFields with every fault at once."""
    values = {name: _value(name, texts[-1]) for name, texts in query.items()}
    faults = []
    for parameter in PARAMETERS:
        if len(query.get(parameter.name, ())) > 1:
            faults.append(Fault(parameter.name, "is given more than once"))
        elif fault := fault_of(parameter, values):
            faults.append(fault)
    if faults := faults + unknown(query, PARAMETERS, "parameter"):
        raise InvalidFields(faults)
    defaults = {parameter.name: parameter.default for parameter in PARAMETERS if parameter.default}
    complete: dict[str, Any] = {"cursor": ""} | defaults | values
    return ListSessions(
        caller.vehicle(complete["vehicle_id"]),
        complete["cursor"],
        complete["limit"],
        caller.name,
    )


def page_json(request: ListSessions, answer: BalancerAnswer, caller: Caller) -> dict[str, Any]:
    """Return the body of a page; `next` is where the next one is, None at the end."""
    following = {
        "vehicle_id": caller.shown(request.vehicle_id),
        "limit": request.limit,
        "cursor": answer.next_cursor,
    }
    return {
        "sessions": [session_json(session, caller) for session in answer.sessions],
        "next": f"/charge?{urlencode(following)}" if answer.next_cursor else None,
    }


def _value(name: str, sent: bytes) -> str | int:
    text = sent.decode(errors="replace")
    return int(text) if name == "limit" and re.fullmatch("[0-9]{1,9}", text) else text
