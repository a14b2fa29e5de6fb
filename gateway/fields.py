"""The fields that a request may have: what each one accepts, and what is wrong with a given value.

Pure. The table FIELDS is the only place that says what the body of `POST /charge` may hold: validation, the
OpenAPI description and the page are made from it.
"""

import dataclasses
import functools
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

LONGEST_NAME = 64  # characters of an unknown name that are shown
MOST_FAULTS = 10  # unknown fields that one answer names, so that it is not much larger than the request


@dataclasses.dataclass(frozen=True)
class Field:
    """One field of the request; `schema` is its JSON Schema; `default` is None for a field without a default."""

    name: str
    about: str
    schema: dict[str, Any]
    accepted: str
    default: float | None = None
    required: bool = False

    @functools.cached_property
    def fits(self) -> Callable[[Any], bool]:
        """Whether a value fits the schema; compiled once."""
        return _check_of(self.schema)


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


DEFAULTS: dict[str, Any] = {field.name: field.default for field in FIELDS}
_REQUIRED = frozenset(field.name for field in FIELDS if field.required)
_BY_NAME = {field.name: field for field in FIELDS}


def all_fit(document: Mapping[str, Any]) -> bool:
    """Whether nothing is wrong with the fields of a document: what `fault_of` and `unknown` look for, in less time."""
    return document.keys() >= _REQUIRED and all(
        (field := _BY_NAME.get(name)) is not None and field.fits(value) for name, value in document.items()
    )


@dataclasses.dataclass(frozen=True)
class Fault:
    """One invalid field: what is wrong with it, and what is accepted."""

    field: str
    detail: str


class InvalidFields(Exception):
    """Some fields are invalid. `faults` names all of them, but at most MOST_FAULTS unknown ones."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = faults

    def errors(self) -> list[dict[str, str]]:
        """Return the member `errors` of the problem document."""
        return [dataclasses.asdict(fault) for fault in self.faults]


def fault_of(field: Field, document: Mapping[str, Any]) -> Fault | None:
    """Return what is wrong with a field in `document`, None if nothing is."""
    if field.name not in document:
        return Fault(field.name, f"is missing; it must be {field.accepted}") if field.required else None
    return None if field.fits(document[field.name]) else Fault(field.name, f"must be {field.accepted}")


def unknown(names: Iterable[str], fields: Sequence[Field], kind: str) -> list[Fault]:
    """Return a fault for each unknown name up to MOST_FAULTS, and one that counts the others."""
    known = {field.name for field in fields}
    strange = [name for name in names if name not in known]
    if not strange:
        return []
    accepted = ", ".join(field.name for field in fields)
    faults = [
        Fault(name[:LONGEST_NAME], f"is not a {kind}; accepted are {accepted}")
        for name in strange[:MOST_FAULTS]
    ]
    if (more := len(strange) - MOST_FAULTS) > 0:
        faults.append(Fault("", f"{more} more {kind}s are unknown"))
    return faults


def _check_of(schema: dict[str, Any]) -> Callable[[Any], bool]:
    """Return whether a value fits one of the few schemas used here, as a function of the value."""
    if schema["type"] == "string":
        matches = re.compile(schema["pattern"].strip("^$")).fullmatch
        return lambda value: isinstance(value, str) and matches(value) is not None
    if schema["type"] == "array":
        fits, least, most = _check_of(schema["items"]), schema["minItems"], schema["maxItems"]
        return lambda value: (
            isinstance(value, list)
            and least <= len(value) <= most
            and all(fits(item) for item in value)
            and len(set(value)) == len(value)
        )
    low, high = schema["minimum"], schema["maximum"]
    if schema["type"] == "integer":
        return lambda value: isinstance(value, int) and low <= value <= high
    return lambda value: type(value) in {int, float} and low <= value <= high and math.isfinite(value)
