"""The console's board: what it has put together is what the balancer shows, and it knows how old it is."""

import copy
import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin_ui.alarms.findings import findings
from admin_ui.grid.board import CONSOLE, STALE_AFTER_S, Board, OutOfOrder
from admin_ui.grid.history import HISTORY_S
from balancer.contract import FLEET
from runtime.changes import HEARTBEAT_S, rounded
from runtime.strict_json import encode
from tests.support.frames import Client, PlainClient
from tests.unit.runtime.test_changes import applied

START = 1_763_800_000
IDS = ["s-1", "s-2", "s-3"]


def row(name: str, load_kw: float = 100.0, age_s: float = 0.1, **more: Any) -> dict[str, Any]:
    capacity_kw = more.pop("capacity_kw", 1000.0)
    return {
        "substation_id": name,
        "url": f"http://{name}",
        "state": "healthy",
        "draining": False,
        "capacity_kw": capacity_kw,
        "load_kw": load_kw,
        "headroom_kw": capacity_kw - load_kw,
        "utilization": load_kw / capacity_kw,
        "sessions": 3,
        "report_age_s": age_s,
        "journal_id": "j",
    } | more


def fleet(*rows: dict[str, Any], policy: str = "least_loaded", poll_s: float = 1.0) -> dict[str, Any]:
    return {"policy": policy, "poll_s": poll_s, FLEET.rows: list(rows), "unseen": []}


def heard(board: Board, shown: dict[str, Any], now_s: float = 0.0) -> PlainClient:
    """Connect, and take a snapshot."""
    feed = PlainClient(FLEET)  # a figure that is not finite comes as it is
    board.connect()
    board.apply(feed.next(shown, now_s) or {}, now_s)
    return feed


@st.composite
def fleets(draw: st.DrawFn) -> dict[str, Any]:
    rows = [
        row(name, draw(st.sampled_from([0.0, 12.5, 800.0])), draw(st.sampled_from([0.1, 0.9])))
        for name in sorted(draw(st.sets(st.sampled_from(IDS))))
    ]
    return fleet(*rows, policy=draw(st.sampled_from(["least_loaded", "random"])))


@given(st.lists(st.tuples(fleets(), st.sampled_from([0.25, HEARTBEAT_S]), st.booleans()), min_size=1))
def test_frames_put_together_are_the_balancers_view_and_browsers_can_do_the_same(
    steps: list[tuple[dict[str, Any], float, bool]],
) -> None:
    board, feed, to_browser, now_s = Board(), Client(FLEET), Client(CONSOLE), 0.0
    board.connect()
    known: dict[str, Any] = {}
    for view, pause_s, reconnected in steps:
        now_s += pause_s
        if reconnected:
            feed = Client(FLEET)
            board.connect()
        if frame := feed.next(copy.deepcopy(view), now_s):
            board.apply(frame, now_s)
        assert [board.rows[name] | {FLEET.age: 0} for name in sorted(board.rows)] == [
            each | {FLEET.age: 0} for each in view[FLEET.rows]
        ]
        assert board.rest == {"policy": view["policy"], "poll_s": 1.0, "unseen": []}
        shown = rounded(board.shown(now_s), CONSOLE)
        if change := to_browser.next(shown, now_s):
            known = applied(
                known, change if change["kind"] != "snapshot" else {**change, "fleet": change["state"]}
            )
        assert known | {FLEET.rows: 0} == {**shown, FLEET.rows: 0}
        assert [each["load_kw"] for each in known[FLEET.rows]] == [
            each["load_kw"] for each in view[FLEET.rows]
        ]


@pytest.mark.parametrize(
    "frame",
    [
        {"seq": 3, "kind": "changes", FLEET.rows: [], "gone": []},
        {"seq": 1, "kind": "changes", FLEET.rows: [], "gone": []},
        {"seq": 2, "kind": "snapshot", "fleet": fleet()},
    ],
)
def test_a_frame_out_of_its_order_is_not_applied_and_a_new_stream_mends_it(frame: dict[str, Any]) -> None:
    board = Board()
    heard(board, fleet(row("s-1")))
    with pytest.raises(OutOfOrder):
        board.apply(frame, 1.0)
    heard(board, fleet(row("s-2")), 2.0)
    assert board.rows.keys() == {"s-2"}


def test_the_age_of_a_report_goes_on_between_the_frames() -> None:
    board = Board()
    heard(board, fleet(row("s-1", age_s=0.4)))
    assert board.shown(2.0)[FLEET.rows][0][FLEET.age] == pytest.approx(2.4)


def test_a_hiccup_is_no_loss_and_a_longer_silence_is() -> None:
    board = Board()
    assert board.stale(0.0)  # nobody was heard yet
    heard(board, fleet(row("s-1")))
    board.lose()
    assert not board.shown(STALE_AFTER_S)["link"]["stale"]
    assert board.shown(STALE_AFTER_S + 0.1)["link"]["stale"]
    heard(board, fleet(row("s-1")), 9.0)
    assert board.shown(9.0)["link"] == {
        "connected": True,
        "stale": False,
        "current": True,
        "heard_unix_s": None,
    }
    assert board.stale(9.1 + STALE_AFTER_S)  # a stream that is open but silent


def test_what_was_known_last_stays_shown_with_the_second_when_it_was_known() -> None:
    board = Board()
    heard(board, fleet(row("s-1", 250.0)))
    board.sample(START, 0.5)
    board.lose()
    board.sample(START + 1, 1.5)
    shown = board.shown(60.0)
    assert shown[FLEET.rows][0]["load_kw"] == 250.0
    assert (
        shown["link"]["heard_unix_s"] == START - 1
    )  # the frame came half a second before the first second's sample


def test_a_second_without_the_stream_or_with_an_old_report_is_a_gap() -> None:
    board = Board()
    heard(board, fleet(row("s-1", 100.0), row("s-2", 200.0, age_s=3.5)))
    board.sample(START, 0.0)
    board.lose()
    board.sample(START + 1, 1.0)
    heard(board, fleet(row("s-1", 150.0), row("s-2", 200.0)), 2.0)
    board.sample(START + 2, 2.0)
    board.sample(START + 3, 2.1 + 2 * HEARTBEAT_S)  # connected, and silent
    found = board.history(4, [])
    assert found["until_unix_s"] == START + 3
    assert found[FLEET.rows]["s-1"]["load_kw"] == [100.0, None, 150.0, None]
    assert found[FLEET.rows]["s-2"]["load_kw"] == [None, None, 200.0, None]
    assert found["fleet"]["load_kw"] == [300.0, None, 350.0, None]
    assert board.history(1, ["s-2", "nobody"])[FLEET.rows].keys() == {"s-2"}


def test_the_polls_interval_says_when_a_report_is_old() -> None:
    board = Board()
    heard(board, fleet(row("s-1", age_s=5.0), poll_s=2.0))
    assert board.shown(0.0)["totals"]["stale"] == 0
    board = Board()
    heard(board, fleet(row("s-1", age_s=6.1), row("s-2"), poll_s=2.0))
    assert [each["stale"] for each in board.shown(0.0)[FLEET.rows]] == [True, False]
    assert board.shown(0.0)["totals"]["stale"] == 1


def test_a_silent_stream_makes_no_report_stale_by_itself() -> None:
    board = Board()
    heard(board, fleet(row("s-1", age_s=2.9)))
    shown = board.shown(3.0)
    assert shown["totals"]["stale"] == 0
    assert shown[FLEET.rows][0][FLEET.age] == pytest.approx(5.9)


def test_a_substation_that_is_not_shown_any_more_is_forgotten_when_its_history_has_passed() -> None:
    board = Board()
    feed = heard(board, fleet(row("s-1"), row("s-2")))
    board.sample(START, 0.0)
    board.apply(feed.next(fleet(row("s-1")), 0.5) or {}, 0.5)
    board.sample(START + HISTORY_S, 0.5)
    assert board.histories.keys() == {"s-1", "s-2"}
    board.sample(START + HISTORY_S + 1, 0.5)
    assert board.histories.keys() == {"s-1"}


def test_a_substation_that_takes_no_cars_shows_no_room_and_says_why() -> None:
    board = Board()
    heard(
        board, fleet(row("s-1"), row("s-2", draining=True), row("s-3", 1100.0), row("s-4", state="ejected"))
    )
    shown = {each["substation_id"]: each for each in board.shown(0.0)[FLEET.rows]}
    assert [shown[name]["headroom_kw"] for name in sorted(shown)] == [900.0, 0.0, -100.0, 0.0]
    assert [shown[name]["left_out"] for name in sorted(shown)] == ["", "draining", "", "ejected"]


def test_a_drain_is_no_fall_of_the_fleets_load() -> None:
    board = Board()
    feed = heard(board, fleet(row("s-1", 100.0), row("s-2", 500.0)))
    for second in range(6):
        now_s = second * 1.0
        draining = second > 3
        view = fleet(row("s-1", 100.0 + second), row("s-2", 500.0 + 2 * second, draining=draining))
        if frame := feed.next(view, now_s):
            board.apply(frame, now_s)
        board.sample(START + second, now_s)
        if second == 3:
            assert board.shown(now_s)["totals"]["trend_kw_s"] == 3.0
    found = board.shown(5.0)["totals"]
    assert (found["load_kw"], found["trend_kw_s"]) == (105.0, 1.0)
    assert board.history(2, [])["fleet"] == {
        "load_kw": [104.0, 105.0],
        "capacity_kw": [1000.0, 1000.0],
        "rated_kw": [2000.0, 2000.0],
    }


def test_peak_and_trend_are_those_of_base_load_and_cars_together() -> None:
    board = Board()
    for second in range(4):
        loads = {"load_kw": 100.0 + second, "base_load_kw": 300.0 + 2 * second}
        heard(board, fleet(row("s-1") | loads), second * 1.0)
        board.sample(START + second, second * 1.0)
    shown = board.shown(3.0)
    for figures in (shown[FLEET.rows][0], shown["totals"]):
        assert (figures["peak_kw"], figures["trend_kw_s"]) == (409.0, 3.0)
    assert board.history(2, [])["fleet"]["base_load_kw"] == [304.0, 306.0]


ODD = st.sampled_from([math.nan, math.inf, -math.inf, 1e300, 10**400, 5.0])


def _refuse(constant: str) -> Any:
    raise AssertionError(constant)


@given(ODD, ODD, ODD)
def test_whatever_a_balancer_says_browsers_get_json_that_they_can_read(
    load_kw: float, capacity_kw: float, headroom_kw: float
) -> None:
    board = Board()
    odd = {"load_kw": load_kw, "capacity_kw": capacity_kw, "headroom_kw": headroom_kw}
    heard(board, fleet(row("s-1", 100.0), row("s-2") | odd))
    for second in range(5):
        board.sample(START + second, 0.5)
    for shown in (board.shown(0.5), board.history(5, [])):
        json.loads(encode(shown), parse_constant=_refuse)
    shown = json.loads(encode(board.shown(0.5)))
    assert shown[FLEET.rows][0]["load_kw"] == 100.0  # the others are shown as ever
    assert shown[FLEET.rows][1]["stale"] == ({load_kw, capacity_kw, headroom_kw} != {5.0})
    findings(board.shown(0.5) | {"gateway": dict.fromkeys(("requests_per_s", "refused_per_s"))}, 10.0)
    assert board.history(5, ["s-1"])[FLEET.rows]["s-1"]["load_kw"] == [100.0] * 5


def test_a_state_has_a_beginning_when_the_console_saw_it_change_and_only_then() -> None:
    board = Board()
    heard(board, fleet(row("s-1"), row("s-2")), 0.0)
    board.sample(START + 1, 1.0)
    heard(board, fleet(row("s-1", 5.0), row("s-2", draining=True)), 1.5)
    board.sample(START + 2, 2.0)
    found = {each[FLEET.key]: each["since_unix_s"] for each in board.shown(2.0)[FLEET.rows]}
    assert found == {"s-1": None, "s-2": START + 1}
    heard(board, fleet(row("s-2", draining=True)), 2.5)
    board.sample(START + 2_000, 2_000.0)  # it is gone for longer than its history is kept
    heard(board, fleet(row("s-1", draining=True)), 2_000.5)
    assert board.shown(2_000.5)[FLEET.rows][0]["since_unix_s"] is None
