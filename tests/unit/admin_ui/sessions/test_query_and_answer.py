"""What browsers ask for is checked, and so is what substations answer."""

from typing import Any

import pytest

from admin_ui.sessions.answer import listing_of
from admin_ui.sessions.query import PageQuery, parse


def parsed(**given: str) -> PageQuery:
    return parse(lambda name: given.get(name, ""))


def test_without_parameters_the_newest_sessions_are_asked_for() -> None:
    query = parsed()
    assert query.parameters("", 20) == {"sort": "start", "dir": "down", "limit": "20"}
    assert parsed(sort="power").parameters("", 1)["dir"] == "up"


def test_the_page_before_a_session_is_asked_for_in_the_opposite_order() -> None:
    query = parsed(sort="end", dir="up", before="there", search=" EV-1 ", state="paused")
    assert query.parameters("there", 50) == {
        "sort": "end",
        "dir": "down",
        "limit": "50",
        "state": "paused",
        "search": "EV-1",
        "after": "there",
    }


@pytest.mark.parametrize(
    "given",
    [
        {"sort": "age"},
        {"dir": "left"},
        {"state": "completed"},
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "1.5"},
        {"search": "x" * 129},
        {"substation": "x" * 129},
        {"after": "x" * 601},
    ],
)
def test_a_parameter_that_can_t_be_used_is_named(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=f"^{next(iter(given))}"):
        parsed(**given)


def test_a_page_is_either_after_or_before_a_session() -> None:
    with pytest.raises(ValueError, match="either after or before"):
        parsed(after="a", before="b")


def answer(**other: Any) -> dict[str, Any]:
    session = {
        "session_id": "substation-1.a",
        "vehicle_id": "EV-1",
        "state": "charging",
        "paused_because": "",
        "cursor": "c",
        "power_w": 11_000,
        "draw_w": 10_500,
        "energy_j": 36_000_000,
        "delivered_j": 1_800_000,
        "started_unix_ms": 5,
        "expected_end_unix_ms": 9,
        "paused_since_unix_ms": 0,
        "caller": "somebody's",
    }
    return {
        "sessions": [session | other],
        "matching": 1,
        "before": 0,
        "charging": 1,
        "paused": 0,
        "next": None,
    }


def test_a_session_is_shown_in_kw_and_kwh_and_without_its_caller() -> None:
    (session,) = listing_of(answer(), "substation-1", "power").sessions
    assert session.key == (11_000, "substation-1.a")
    shown = session.document
    assert (shown["draw_kw"], shown["power_kw"], shown["energy_kwh"], shown["delivered_kwh"]) == (
        10.5,
        11,
        10,
        0.5,
    )
    assert "caller" not in shown


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        {},
        {"sessions": [3]},
        answer(draw_w=1.5),
        answer(draw_w=-1),
        answer(power_w=2**53),
        answer(vehicle_id=None),
        answer(cursor="x" * 601),
        answer() | {"matching": "1"},
        answer() | {"paused": True},
        {k: v for k, v in answer().items() if k != "next"},
    ],
)
def test_an_answer_that_is_no_list_of_sessions_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="can't be read"):
        listing_of(wrong, "substation-1", "start")
