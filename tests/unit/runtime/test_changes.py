"""The frames of one client: what it can put together is what the fleet is."""

import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.contract import FLEET
from runtime import changes as changes_module
from runtime.changes import HEARTBEAT_S, Broadcast, Feed, changes, rounded
from tests.support.frames import Client, PlainClient

IDS = ["s-1", "s-2", "s-3", "s-4"]


def applied(fleet: dict[str, Any], frame: Mapping[str, Any]) -> dict[str, Any]:
    """What docs/reference/fleet.md tells a client to do with a frame."""
    fleet = copy.deepcopy(fleet)
    if frame["kind"] == "snapshot":
        return dict(copy.deepcopy(frame["fleet"]))
    members = {each["substation_id"]: each for each in fleet[FLEET.rows]}
    if frame["kind"] == "heartbeat":
        for name, age_s in frame[FLEET.age].items():
            members[name][FLEET.age] = age_s
        return fleet
    members |= {each["substation_id"]: dict(each) for each in frame[FLEET.rows]}
    for name in frame["gone"]:
        del members[name]
    for name, age_s in frame.get(FLEET.age, {}).items():
        members[name][FLEET.age] = age_s
    known = {"seq", "kind", "gone", FLEET.rows, FLEET.age}
    rest = {name: value for name, value in frame.items() if name not in known}
    return fleet | rest | {FLEET.rows: [members[name] for name in sorted(members)]}


def member(name: str, load_kw: float = 0.0, age_s: float = 0.0, state: str = "healthy") -> dict[str, Any]:
    return {"substation_id": name, "load_kw": load_kw, "state": state, FLEET.age: age_s}


def fleet(*members: dict[str, Any], policy: str = "least_loaded") -> dict[str, Any]:
    return {"policy": policy, FLEET.rows: list(members), "unseen": []}


def without_ages(shown: Mapping[str, Any]) -> dict[str, Any]:
    return {**shown, FLEET.rows: [{**each, FLEET.age: 0} for each in shown[FLEET.rows]]}


@st.composite
def fleets(draw: st.DrawFn) -> dict[str, Any]:
    names = sorted(draw(st.sets(st.sampled_from(IDS))))
    members = [
        member(
            name,
            draw(st.sampled_from([0.0, 1.5])),
            draw(st.sampled_from([0.1, 0.9])),
            draw(st.sampled_from(["healthy", "gone"])),
        )
        for name in names
    ]
    unseen = draw(st.lists(st.just("http://x:1"), max_size=1))
    return {"policy": draw(st.sampled_from(["a", "b"])), FLEET.rows: members, "unseen": unseen}


@given(st.lists(st.tuples(fleets(), st.sampled_from([0.25, HEARTBEAT_S])), min_size=1))
def test_a_snapshot_and_all_changes_since_are_the_newest_snapshot(
    steps: list[tuple[dict[str, Any], float]],
) -> None:
    known: dict[str, Any] = {}
    feed, now_s, numbers = Client(FLEET), 0.0, list[int]()
    for shown, pause_s in steps:
        now_s += pause_s
        before = copy.deepcopy(known)
        frame = feed.next(shown, now_s)
        if frame:
            numbers.append(frame["seq"])
            known = applied(known, frame)
        assert without_ages(known) == without_ages(shown)
        if frame and frame["kind"] == "heartbeat":
            assert known == shown
            assert without_ages(before) == without_ages(shown)  # only ages came with it
        assert frame or pause_s < HEARTBEAT_S  # never silent for longer
        if frame and pause_s >= HEARTBEAT_S:
            assert known == shown  # nor is an age untold for longer
    assert numbers == list(range(1, len(numbers) + 1))


@given(fleets(), fleets())
def test_changes_name_nothing_that_is_the_same(before: dict[str, Any], now: dict[str, Any]) -> None:
    found = changes(before, now, FLEET)
    for each in found.get(FLEET.rows, []):
        assert without_ages(fleet(each)) not in [without_ages(fleet(old)) for old in before[FLEET.rows]]
    assert ("policy" in found) == (before["policy"] != now["policy"])
    assert not changes(now, now, FLEET)


def test_only_what_changed_is_told() -> None:
    feed = Client(FLEET)
    first = fleet(member("s-1"), member("s-2"), member("s-3"))
    assert feed.next(first, 0.0) == {"seq": 1, "kind": "snapshot", "fleet": first}
    now = fleet(member("s-1", age_s=0.3), member("s-3", 5.0, age_s=0.7))
    told: dict[str, Any] = {
        "seq": 2,
        "kind": "changes",
        FLEET.rows: [member("s-3", 5.0, age_s=0.7)],
        "gone": ["s-2"],
    }
    assert feed.next(now, 0.1) == told
    other = fleet(*now[FLEET.rows], policy="random")
    assert feed.next(other, 0.2) == {
        "seq": 3,
        "kind": "changes",
        FLEET.rows: [],
        "gone": [],
        "policy": "random",
    }


def test_all_ages_are_told_even_while_one_row_changes_all_the_time() -> None:
    feed = Client(FLEET)
    feed.next(fleet(member("busy"), member("idle")), 0.0)
    told = []
    for tick in range(1, 13):
        now_s = tick / 4
        frame = feed.next(fleet(member("busy", float(tick)), member("idle", age_s=now_s % 1)), now_s)
        assert frame
        assert frame["kind"] == "changes"
        told += [(now_s, frame[FLEET.age])] if FLEET.age in frame else []
    assert told == [(second, {"busy": 0.0, "idle": 0.0}) for second in (1.0, 2.0, 3.0)]


def test_nothing_is_told_when_only_time_has_passed_until_the_next_heartbeat() -> None:
    feed = Client(FLEET)
    feed.next(fleet(member("s-1")), 10.0)
    assert feed.next(fleet(member("s-1", age_s=0.9)), 10.0 + HEARTBEAT_S - 0.1) is None
    frame = feed.next(fleet(member("s-1", age_s=1.0)), 10.0 + HEARTBEAT_S)
    assert frame == {"seq": 2, "kind": "heartbeat", FLEET.age: {"s-1": 1.0}}
    assert feed.next(fleet(member("s-1", age_s=1.3)), 10.3 + HEARTBEAT_S) is None


def test_what_came_and_went_while_a_client_was_busy_is_not_told() -> None:
    feed = Client(FLEET)
    feed.next(fleet(member("s-1")), 0.0)
    assert feed.next(fleet(member("s-1")), 0.9) is None


def test_ages_are_told_to_a_tenth_of_a_second() -> None:
    exact = fleet(member("s-1", age_s=0.123))
    assert rounded(exact, FLEET) == fleet(member("s-1", age_s=0.1))
    assert exact[FLEET.rows][0][FLEET.age] == 0.123


@given(st.lists(st.tuples(fleets(), st.sampled_from([0.25, HEARTBEAT_S]), st.sets(st.integers(0, 4)))))
def test_clients_that_share_frames_get_what_each_would_get_alone(
    steps: list[tuple[dict[str, Any], float, set[int]]],
) -> None:
    """Each step names the clients whose last frame has gone out; the others skip the state."""
    broadcast, now_s = Broadcast(FLEET, fleet()), 0.0
    shared, alone = [Feed() for _ in range(5)], [PlainClient(FLEET) for _ in range(5)]
    for view, pause_s, ready in steps:
        now_s += pause_s
        broadcast.show(view)
        for client in ready:
            frame, plain = shared[client].next(broadcast, now_s), alone[client].next(view, now_s)
            assert (json.loads(frame.json) if frame else None) == plain
            assert not frame or frame.kind == json.loads(frame.json)["kind"]


def test_differences_are_taken_once_for_all_clients_in_the_same_state(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken = 0

    def counted(*views: Any) -> dict[str, Any]:
        nonlocal taken
        taken += 1
        return changes(*views)

    monkeypatch.setattr(changes_module, "changes", counted)
    broadcast = Broadcast(FLEET, fleet(member("s-1")))
    feeds = [Feed() for _ in range(200)]
    for number in range(10):
        broadcast.show(fleet(member("s-1", float(number))))
        frames = [feed.next(broadcast, number / 4) for feed in feeds]
        assert len({frame.json for frame in frames if frame}) == 1
    assert taken <= 2 * 10  # whether the state is a new one, and what leads to it
