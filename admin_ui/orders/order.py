"""An order of an operator, and both directions of its JSON.

Pure.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

LONGEST_ID = 128
LEAST_KW, MOST_KW = 0.001, 10**9
LOWER, DRAIN, RESTORE, SWITCH, STOP = "capacity", "drain", "restore", "policy", "stop"
KINDS = (DRAIN, RESTORE, LOWER, SWITCH, STOP)
FLEET = "the fleet"  # the target of a policy; no substation can have this name


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    """An order of an operator: `value` is a limit in kW (None: the rated one), or the name of a policy."""

    kind: str
    target: str
    value: float | str | None = None

    def document(self) -> dict[str, Any]:
        """Return the order as requests and answers have it."""
        return {"order": self.kind, "target": self.target, "value": self.value}


class InvalidOrder(Exception):
    """The request contains no order; the message says why."""


def parse(document: Mapping[str, Any]) -> Order:
    """Return the order in a request; raises InvalidOrder."""
    if fault := _fault(document):
        raise InvalidOrder(fault)
    kind, target, value = (document.get(name) for name in ("order", "target", "value"))
    if kind == LOWER and value is not None:
        value = round(value, 3)  # substations count whole watts
    return Order(
        str(kind), FLEET if kind == SWITCH else str(target), value if kind in {LOWER, SWITCH} else None
    )


def _fault(document: Mapping[str, Any]) -> str:
    """Return what is wrong with a request, '' when it contains an order."""
    kind, target, value = (document.get(name) for name in ("order", "target", "value"))
    if kind not in KINDS:
        return f"order must be one of {', '.join(KINDS)}"
    if not isinstance(target, str) or not 0 < len(target) <= LONGEST_ID:
        return "target must name a substation, a session, or the fleet"
    if kind == SWITCH and not isinstance(value, str):
        return "value must name a policy"
    if kind == LOWER and not (_is_limit(value) or ("value" in document and value is None)):
        return "value must be a number of kW above 0, or null for the rated limit"
    return ""


def _is_limit(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and LEAST_KW <= value < MOST_KW
