"""Reading a query for a vehicle's sessions, and writing its page."""

import contextlib
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.contract import CURSOR, BalancerAnswer, BalancerOutcome, ListSessions
from gateway.callers import ANONYMOUS, Caller
from gateway.fields import InvalidFields
from gateway.listing import PARAMETERS, page, page_json

ACME = Caller("acme")
VEHICLES = st.from_regex(r"[!-~]{1,64}", fullmatch=True)


def faults(**query: str) -> list[str]:
    with pytest.raises(InvalidFields) as caught:
        page({name: [value.encode()] for name, value in query.items()}, ANONYMOUS)
    return [fault.field for fault in caught.value.faults]


@pytest.mark.parametrize("cursor", ["", "s-1:x", "s-1:", f"s-1:{10**18}", "S-1:4", "s-1:4 ", "s-1"])
def test_a_cursor_that_no_page_gave_is_refused_at_once(cursor: str) -> None:
    assert faults(vehicle_id="car", cursor=cursor) == ["cursor"]


def test_what_is_not_asked_for_has_its_default() -> None:
    assert page({"vehicle_id": [b"car-1"]}, ANONYMOUS) == ListSessions("car-1", "", 20, "anonymous")


def test_a_caller_lists_its_own_vehicle() -> None:
    assert page({"vehicle_id": [b"car-1"], "limit": [b"100"]}, ACME) == ListSessions(
        "acme:car-1", "", 100, "acme"
    )


@pytest.mark.parametrize("limit", ["", "0", "101", "-1", "1.5", "ten", "9" * 30, "٣", " 1"])
def test_a_limit_is_a_whole_number_from_1_to_100(limit: str) -> None:
    assert faults(vehicle_id="car-1", limit=limit) == ["limit"]


def test_every_fault_is_named_at_once() -> None:
    assert faults(limit="0", cursor="a b", colour="red") == ["vehicle_id", "limit", "cursor", "colour"]
    assert faults(vehicle_id="a b") == ["vehicle_id"]
    with pytest.raises(InvalidFields, match="1 fault"):
        page({"vehicle_id": [b"car-1", b"car-2"]}, ANONYMOUS)


@given(
    query=st.dictionaries(
        st.sampled_from([p.name for p in PARAMETERS]) | st.text(),
        st.lists(st.binary(), min_size=1, max_size=2),
    )
)
def test_any_query_is_a_page_or_invalid(query: dict[str, list[bytes]]) -> None:
    with contextlib.suppress(InvalidFields):
        assert 1 <= page(query, ANONYMOUS).limit <= 100


@given(
    vehicle=VEHICLES,
    cursor=st.from_regex(CURSOR, fullmatch=True),
    limit=st.integers(1, 100),
    caller=st.sampled_from([ANONYMOUS, ACME]),
)
def test_the_next_address_asks_for_the_next_page(
    vehicle: str, cursor: str, limit: int, caller: Caller
) -> None:
    asked = ListSessions(caller.vehicle(vehicle), "", limit)
    body = page_json(asked, BalancerAnswer(BalancerOutcome.FOUND, next_cursor=cursor), caller)
    target = urlsplit(body["next"])
    assert target.path == "/charge"
    query = {
        name: [value.encode() for value in values]
        for name, values in parse_qs(target.query, strict_parsing=True).items()
    }
    assert page(query, caller) == ListSessions(caller.vehicle(vehicle), cursor, limit, caller.name)


def test_the_last_page_has_no_next() -> None:
    assert page_json(ListSessions("car-1", "x", 1), BalancerAnswer(BalancerOutcome.FOUND), ANONYMOUS) == {
        "sessions": [],
        "next": None,
    }
