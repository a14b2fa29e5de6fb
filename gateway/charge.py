"""The request to charge: what its fields may be, and how it becomes whole watts and joules.

Pure. The table FIELDS is the only place that says what is accepted: validation, the OpenAPI
description and the page are made from it.
"""

import dataclasses
import hashlib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from balancer.contract import Charge
from gateway.callers import ANONYMOUS, Caller
from substation.contract import Session
from substation.plan import Plan

J_PER_KWH = 3_600_000
W_PER_KW = 1000
MS_PER_MINUTE = 60_000
MS_PER_S = 1000
LONGEST_NAME = 64  # characters of an unknown name that are shown
MOST_FAULTS = 10  # unknown fields that one answer names, so that it is not much larger than the request

KEY = re.compile(r"[\x21-\x7e]{1,255}")


@dataclasses.dataclass(frozen=True)
class Field:
    """One field of the request; `schema` is its JSON Schema, `default` None when there is none."""

    name: str
    about: str
    schema: dict[str, Any]
    accepted: str
    default: float | None = None
    required: bool = False


def _amount(name: str, about: str, low: float, high: float, default: float | None = None) -> Field:
    schema = {"type": "number", "minimum": low, "maximum": high}
    return Field(name, about, schema, f"a number from {low:g} to {high:g}", default)


FIELDS = (
    Field(
        "vehicle_id",
        "Who charges",
        {"type": "string", "pattern": "^[!-~]{1,64}$"},
        "1 to 64 visible ASCII characters",
        required=True,
    ),
    _amount("energy_kwh", "Energy wanted, in kWh", 0.1, 1000, 22),
    _amount("max_power_kw", "Power the car may draw, in kW", 0.1, 100_000, 11),
    _amount("stay_minutes", "Minutes until the car leaves, charged or not", 1, 10_080),
    Field(
        "substations",
        "Substations that may be used",
        {
            "type": "array",
            "items": {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,62}$"},
            "minItems": 1,
            "maxItems": 100,
            "uniqueItems": True,
        },
        "a list of 1 to 100 different substation ids",
    ),
    _amount("max_wait_s", "Seconds to wait for room when there is none; the grid may wait less", 0, 3600, 0),
)


@dataclasses.dataclass(frozen=True)
class Fault:
    """What is wrong with one field, and what is accepted."""

    field: str
    detail: str


class Invalid(Exception):
    """Fields are wrong; `faults` names all of them, but only the first few unknown ones."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = faults

    def errors(self) -> list[dict[str, str]]:
        """Return the member `errors` of the problem document."""
        return [dataclasses.asdict(fault) for fault in self.faults]


def charge(document: dict[str, Any], key: str, caller: Caller = ANONYMOUS) -> Charge:
    """Return the request that `document` holds, under the caller's `key` ('' for none).

    Raises Invalid with every fault at once.
    """
    faults = [fault for field in FIELDS if (fault := fault_of(field, document))]
    if faults := faults + unknown(document, FIELDS, "field"):
        raise Invalid(faults)
    values: dict[str, Any] = {field.name: document.get(field.name, field.default) for field in FIELDS}
    plan = Plan(
        round(values["energy_kwh"] * J_PER_KWH),
        round(values["max_power_kw"] * W_PER_KW),
        round(values["stay_minutes"] * MS_PER_MINUTE) if values["stay_minutes"] is not None else 0,
    )
    substations = tuple(sorted(values["substations"] or ()))
    wait_s = values["max_wait_s"] + 0.0  # -0.0 is 0.0
    canonical = repr((values["vehicle_id"], plan.energy_j, plan.power_w, plan.stay_ms, substations, wait_s))
    return Charge(
        caller.key(key) if key else "",
        hashlib.sha256(canonical.encode()).hexdigest(),
        caller.vehicle(values["vehicle_id"]),
        plan,
        substations,
        round(values["max_wait_s"] * MS_PER_S),
        caller.name,
    )


def admitted_json(session: Session, caller: Caller) -> dict[str, Any]:
    """Return the body of a 201 to `caller`: what was settled at the admission, and never changes."""
    plan = session.plan
    return {
        "session_id": session.session_id,
        "substation_id": session.substation_id,
        "vehicle_id": caller.shown(session.vehicle_id),
        "power_kw": plan.power_w / W_PER_KW,
        "energy_kwh": plan.energy_j / J_PER_KWH,
        "stay_minutes": plan.stay_ms / MS_PER_MINUTE if plan.stay_ms else None,
        "started_at": iso(session.started_unix_ms),
        "expected_end": iso(session.expected_end_unix_ms),
    }


def session_json(session: Session, caller: Caller) -> dict[str, Any]:
    """Return a session as it is now."""
    return admitted_json(session, caller) | {
        "state": session.state,
        "delivered_kwh": round(session.delivered_j / J_PER_KWH, 3),
        "ended_at": iso(session.ended_unix_ms) if session.ended_unix_ms else None,
        "reserved": [
            {"from": iso(unix_ms), "power_kw": reserved_w / W_PER_KW}
            for unix_ms, reserved_w in reserved(session)
        ],
    }


def reserved(session: Session) -> list[tuple[int, int]]:
    """Return what a session reserves: pairs of (from unix ms on, watts), the last with 0.

    The plan is in grid time. Its wall time is taken from the start and the expected end, between which
    it passes evenly unless the substation was stopped, or restarted with another time scale.
    """
    plan, began, ended = session.plan, session.started_unix_ms, session.ended_unix_ms
    lasts_ms = session.expected_end_unix_ms - began
    steps, reserved_w = [(began, plan.power_w)], plan.power_w
    for after_ms, freed_w in plan.releases():
        at, reserved_w = began + round(lasts_ms * after_ms / plan.duration_ms), reserved_w - freed_w
        if ended and (at >= ended or not reserved_w):
            break
        steps.append((at, reserved_w))
    return [*steps, (ended, 0)] if ended else steps


def iso(unix_ms: int) -> str:
    """Return a moment as ISO 8601 in UTC, with milliseconds (civil-from-days, H. Hinnant 2013)."""
    days, in_day = divmod(unix_ms, 86_400_000)
    era, day_of_era = divmod(days + 719_468, 146_097)
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * shifted + 2) // 5 + 1
    month = shifted + 3 if shifted < 10 else shifted - 9  # noqa: PLR2004 - March is month 0 there
    year = year_of_era + era * 400 + (month <= 2)  # noqa: PLR2004 - January and February
    seconds, ms = divmod(in_day, 1000)
    hour, minute, second = seconds // 3600, seconds // 60 % 60, seconds % 60
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z"


def fault_of(field: Field, document: Mapping[str, Any]) -> Fault | None:
    """Return what is wrong with a field in `document`, None if nothing is."""
    if field.name not in document:
        return Fault(field.name, f"is missing; it must be {field.accepted}") if field.required else None
    return (
        None if _fits(document[field.name], field.schema) else Fault(field.name, f"must be {field.accepted}")
    )


def unknown(names: Iterable[str], fields: Sequence[Field], kind: str) -> list[Fault]:
    """Return a fault for each unknown name up to MOST_FAULTS, and one that counts the others."""
    known = {field.name for field in fields}
    strange = [name for name in names if name not in known]
    accepted = ", ".join(field.name for field in fields)
    faults = [
        Fault(name[:LONGEST_NAME], f"is not a {kind}; accepted are {accepted}")
        for name in strange[:MOST_FAULTS]
    ]
    if (more := len(strange) - MOST_FAULTS) > 0:
        faults.append(Fault("", f"{more} more {kind}s are unknown"))
    return faults


def _fits(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a value fits one of the few schemas used here."""
    if schema["type"] == "string":
        return isinstance(value, str) and re.fullmatch(schema["pattern"].strip("^$"), value) is not None
    if schema["type"] == "integer":
        return isinstance(value, int) and schema["minimum"] <= value <= schema["maximum"]
    if schema["type"] == "number":
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and schema["minimum"] <= value <= schema["maximum"] and math.isfinite(value)
    if not isinstance(value, list) or not schema["minItems"] <= len(value) <= schema["maxItems"]:
        return False
    return all(_fits(item, schema["items"]) for item in value) and len(set(value)) == len(value)
