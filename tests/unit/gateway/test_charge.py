"""Reading a request to charge: any bytes are refused in an orderly way or become a whole plan."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from balancer.contract import Charge
from gateway.charge import charge
from gateway.fields import FIELDS, MOST_FAULTS, Fault, InvalidFields, all_fit, fault_of, unknown
from runtime.json_body import read_object

DEFAULTS = {field.name: field.default for field in FIELDS if field.default is not None}
NAMES = [field.name for field in FIELDS]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=8,
)


def amount(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high) | st.integers(int(low) + (low % 1 > 0), int(high))


IDS = st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True)
VALID = st.fixed_dictionaries(
    {"vehicle_id": st.from_regex(r"[!-~]{1,64}", fullmatch=True)},
    optional={
        "energy_kwh": amount(0.1, 1000),
        "max_power_kw": amount(0.1, 100_000),
        "stay_minutes": amount(1, 10_080),
        "substations": st.lists(IDS, min_size=1, max_size=4, unique=True),
        "max_wait_s": amount(0, 3600),
    },
)


@given(document=st.dictionaries(st.sampled_from(NAMES) | st.text(), JSON))
@example(document={"vehicle_id": "a", "energy_kwh": 10**400})
@example(document={"vehicle_id": "a", "substations": [[], {}]})
@example(document={"vehicle_id": "a", "energy_kwh": True})
def test_any_object_is_a_request_or_invalid(document: dict[str, Any]) -> None:
    faults: list[Fault] = []
    try:
        assert charge(document, "key").plan.power_w > 0
    except InvalidFields as error:
        faults = error.faults
    wrong = {fault.field for fault in faults}
    strange = {name[:64] for name in document if name not in NAMES}
    assert wrong <= {name[:64] for name in document} | {"vehicle_id", ""}
    assert len(strange) > MOST_FAULTS or wrong >= strange


@given(
    document=VALID | st.dictionaries(st.sampled_from(NAMES) | st.text(), JSON),
    more=st.dictionaries(st.sampled_from(NAMES), JSON),
)
@example(document={}, more={})
@example(document={"vehicle_id": "a", "energy": 1}, more={})
@example(document={"vehicle_id": "a", "stay_minutes": None}, more={})
def test_a_document_is_taken_at_once_if_and_only_if_no_field_has_a_fault(
    document: dict[str, Any], more: dict[str, Any]
) -> None:
    document = document | more
    faults = [fault for field in FIELDS if (fault := fault_of(field, document))]
    assert all_fit(document) == (not faults and not unknown(document, FIELDS, "field"))


@given(document=VALID, key=st.text())
def test_a_valid_document_gives_whole_positive_watts_and_joules(document: dict[str, Any], key: str) -> None:
    wanted = charge(read_object(json.dumps(document).encode()), key)
    plan = wanted.plan
    assert all(
        type(value) is int for value in (plan.energy_j, plan.power_w, plan.stay_ms, wanted.max_wait_ms)
    )
    assert wanted.max_wait_ms == pytest.approx(document.get("max_wait_s", 0) * 1000, abs=0.51)
    assert plan.energy_j == pytest.approx(document.get("energy_kwh", 22) * 3_600_000, abs=0.51)
    assert plan.power_w == pytest.approx(document.get("max_power_kw", 11) * 1000, abs=0.51)
    assert plan.stay_ms == pytest.approx(document.get("stay_minutes", 0) * 60_000, abs=0.51)
    assert plan.duration_ms > 0
    assert (wanted.key, wanted.vehicle_id) == (f"anonymous:{key}" if key else "", document["vehicle_id"])
    assert set(wanted.substations) == set(document.get("substations", ()))


def canonical(document: dict[str, Any]) -> Any:
    """What a request means: whole units, defaults filled in, order of substations without meaning."""
    full = DEFAULTS | document
    return (
        full["vehicle_id"],
        round(full["energy_kwh"] * 3_600_000),
        round(full["max_power_kw"] * 1000),
        round(full.get("stay_minutes", 0) * 60_000),
        frozenset(full.get("substations", ())),
        float(full["max_wait_s"]),
    )


CLOSE = st.fixed_dictionaries(
    {"vehicle_id": st.sampled_from(["a", "b", "a'"])},
    optional={
        "energy_kwh": st.sampled_from([22, 22.0, 22.1, 22.0000000001]),
        "max_power_kw": st.sampled_from([11, 11.0, 11.0004, 11.001]),
        "stay_minutes": st.sampled_from([1, 1.0, 2]),
        "substations": st.sampled_from([["s-1"], ["s-1", "s-2"], ["s-2", "s-1"]]),
        "max_wait_s": st.sampled_from([0, 0.0, -0.0, 1, 1.0]),
    },
)


@given(one=CLOSE, other=CLOSE)
@example(one={"vehicle_id": "a"}, other={"vehicle_id": "a", "max_wait_s": -0.0})
@example(one={"vehicle_id": "a"}, other={"vehicle_id": "a", **DEFAULTS})
def test_fingerprints_are_equal_if_and_only_if_the_requests_are(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    same = canonical(one) == canonical(other)
    assert (charge(one, "k").fingerprint == charge(other, "k").fingerprint) is same


@given(document=VALID, key=st.text(min_size=1), other=st.text(min_size=1))
def test_the_key_is_no_part_of_the_fingerprint(document: dict[str, Any], key: str, other: str) -> None:
    one, two = charge(document, key), charge(dict(reversed(document.items())), other)
    assert isinstance(one, Charge)
    assert one.fingerprint == two.fingerprint != ""
    assert charge(document, "").fingerprint == ""  # nothing is compared without a key
