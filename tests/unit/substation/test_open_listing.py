"""Pages of open sessions against a plain sort of all of them."""

import base64
import dataclasses
import random
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from substation.contract import SessionState
from substation.curve import Curve, Usage
from substation.open_listing import VALUES, OpenQuery, Selection, SortBy, candidates, cursor, key_of, page
from substation.open_sessions import OpenSessions
from substation.plan import Plan
from substation.records import Entry

SESSIONS = 300
NOW_MS = 1_000
ID = "substation-1"


def entries() -> list[Entry]:
    """Sessions with few different values, so that many are equal in each order; each fifth is paused."""
    drawn = random.Random(7)
    made = []
    for number in range(SESSIONS):
        plan = Plan(36_000_000, drawn.choice((3_700, 7_400, 11_000)))
        started = drawn.randrange(20)
        session = Entry(
            f"{ID}.{drawn.getrandbits(64):016x}", f"EV-{drawn.randrange(90)}", plan, 0, started, 40 - started
        )
        made.append(session if number % 5 else session.pause(500, 77))
    return made


def curve_of(sessions: list[Entry], now_ms: int = 0) -> Curve:
    opened = OpenSessions()
    opened.resume(sessions, now_ms)
    return opened.curve(now_ms, 10**9, Usage(), 0)


def found(curve: Curve, query: OpenQuery, now_ms: int = NOW_MS) -> dict[str, Any]:
    selection = Selection(query)
    sessions = candidates(curve, now_ms, query.state)
    while piece := list(islice(sessions, 7)):
        selection.take(piece)
    return page(query, selection, curve, now_ms, ID)


def pages(curve: Curve, query: OpenQuery) -> Iterator[list[str]]:
    before = 0
    while True:
        got = found(curve, query)
        assert got["before"] == before
        ids = [each["session_id"] for each in got["sessions"]]
        before += len(ids)
        yield ids
        if not got["next"]:
            assert got["matching"] == before
            return
        query = dataclasses.replace(query, after=key_of(query.sort_by, str(got["next"])))


@pytest.mark.parametrize("state", ["", "charging", "paused"])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("sort_by", list(SortBy))
def test_the_pages_of_every_order_are_all_sessions_once_in_that_order(
    sort_by: SortBy, descending: bool, state: str
) -> None:
    sessions = entries()
    wanted = [e for e in sessions if not state or e.paused == (state == SessionState.PAUSED)]
    wanted.sort(key=lambda e: (VALUES[sort_by](e), e.session_id), reverse=descending)
    got = list(pages(curve_of(sessions), OpenQuery(sort_by, descending, limit=13, state=state)))
    assert [len(each) for each in got[:-1]] == [13] * (len(got) - 1)
    assert [one for each in got for one in each] == [e.session_id for e in wanted]


def test_a_search_finds_the_beginnings_of_the_ids_of_vehicles_and_sessions_in_any_case() -> None:
    sessions = entries()
    curve = curve_of(sessions)
    by_vehicle = found(curve, OpenQuery(SortBy.POWER, limit=200, search="eV-7"))
    assert by_vehicle["matching"] == sum(e.vehicle_id.startswith("EV-7") for e in sessions) > 10
    one = sessions[3].session_id
    by_session = found(curve, OpenQuery(search=one))["sessions"]
    assert [each["session_id"] for each in by_session] == [one]
    assert found(curve, OpenQuery(search="V-7"))["matching"] == 0


def test_a_session_that_its_plan_has_ended_is_on_no_page_though_no_commit_came_since() -> None:
    first, second = (
        Entry(f"{ID}.{n:016x}", "EV-1", Plan(n * 11_000, 11_000, n * 1_000), 0, 0, 0) for n in (1, 2)
    )
    curve = curve_of([first, second])
    got = found(curve, OpenQuery(), now_ms=1_500)
    assert [each["session_id"] for each in got["sessions"]] == [second.session_id]
    assert (got["matching"], got["charging"], got["paused"]) == (1, 1, 0)


def test_a_session_is_shown_with_its_power_now_what_it_got_and_why_it_is_paused() -> None:
    plan = Plan(22_000, 11_000, 2_000)
    charging = Entry(f"{ID}.a", "EV-1", plan, 0, 5, 9)
    paused = Entry(f"{ID}.b", "EV-2", plan, 0, 6, 9).pause(500, 77)
    got = found(curve_of([charging, paused]), OpenQuery())
    shown = {each["session_id"]: each for each in got["sessions"]}
    assert (shown[f"{ID}.a"]["draw_w"], shown[f"{ID}.a"]["delivered_j"]) == (11_000, 11_000)
    assert (shown[f"{ID}.b"]["draw_w"], shown[f"{ID}.b"]["delivered_j"]) == (0, 5_500)
    assert (shown[f"{ID}.b"]["state"], shown[f"{ID}.b"]["paused_because"]) == ("paused", "base_load")
    assert shown[f"{ID}.b"]["paused_since_unix_ms"] == 77


@pytest.mark.parametrize(
    "text", ["", "x", "====", "bnVsbA", "W10", "eyJhIjogMX0", "é", "WyJzdGFydCIsICIxIiwgImEiXQ", "A" * 1000]
)
def test_text_that_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no cursor"):
        key_of(SortBy.START, text)


def test_a_cursor_of_another_order_is_refused() -> None:
    entry = entries()[0]
    assert key_of(SortBy.POWER, cursor(SortBy.POWER, entry)) == (entry.plan.power_w, entry.session_id)
    with pytest.raises(ValueError, match="another order"):
        key_of(SortBy.END, cursor(SortBy.POWER, entry))


def test_a_cursor_that_nests_too_deep_to_be_read_is_refused() -> None:
    nested = base64.urlsafe_b64encode(b"[" * 5000).decode()
    with pytest.raises(ValueError, match="is no cursor"):
        key_of(SortBy.START, nested)
