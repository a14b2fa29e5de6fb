"""Capacity that takes no cars is in no figure of the fleet, and is listed with the reason."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from admin_ui.grid.usable_capacity import headroom_kw, totals, usable
from admin_ui.orders.preview import figures
from balancer.fleet.health import HealthState

STATES = [str(state) for state in HealthState if state is not HealthState.UNSEEN]


def row(name: str, load_kw: float, **more: Any) -> dict[str, Any]:
    capacity_kw = more.pop("capacity_kw", 1400.0)
    return {
        "substation_id": name,
        "state": "healthy",
        "draining": False,
        "capacity_kw": capacity_kw,
        "load_kw": load_kw,
        "headroom_kw": capacity_kw - load_kw,
        "sessions": 3,
    } | more


@st.composite
def fleets(draw: st.DrawFn) -> list[dict[str, Any]]:
    return [
        row(
            f"s-{number}",
            float(draw(st.integers(0, 1500))),
            capacity_kw=float(draw(st.integers(1, 1500))),
            state=draw(st.sampled_from(STATES)),
            draining=draw(st.booleans()),
        )
        for number in range(draw(st.integers(0, 6)))
    ]


def test_a_drained_substation_does_not_make_a_full_fleet_look_half_empty() -> None:
    found = totals([row("s-1", 1302.0), row("s-2", 1302.0), row("s-3", 0.0, draining=True)])
    assert (found["utilization"], found["capacity_kw"], found["headroom_kw"]) == (0.93, 2800.0, 196.0)
    assert found["usable"] == 2
    left_out = {"why": "draining", "substations": 1, "names": ["s-3"], "capacity_kw": 1400.0, "load_kw": 0.0}
    assert found["left_out"] == [left_out | {"base_load_kw": 0.0}]


def test_the_margin_is_what_the_cars_could_take_without_the_largest_usable_substation() -> None:
    rows = [row("s-1", 700.0, base_load_kw=100.0), row("s-2", 500.0), row("s-3", 0.0, draining=True)]
    assert totals(rows)["n1_margin_kw"] == 1300.0 - 1200.0
    assert totals(rows[:1])["n1_margin_kw"] == -700.0
    assert totals([])["n1_margin_kw"] == 0.0


def test_what_a_lowered_limit_takes_away_is_named_and_what_is_left_out_counts_once() -> None:
    rows = [row(f"s-{n}", 0.0, capacity_kw=1000.0, rated_kw=1400.0) for n in range(5)]
    rows[0]["draining"] = True
    lowered = {"capacity_kw": 1600.0, "substations": 4, "names": ["s-1", "s-2", "s-3"]}
    assert totals(rows)["lowered"] == lowered
    assert totals([row("s-1", 0.0, rated_kw=1400.0)])["lowered"]["substations"] == 0


def test_base_load_counts_in_utilization_and_in_the_room_after_an_order() -> None:
    rows = [
        row("s-1", 700.0, base_load_kw=350.0, headroom_kw=320.0, owed_kw=10.0, kept_kw=20.0),
        row("s-2", 700.0),
    ]
    found = totals(rows)
    assert (found["load_kw"], found["base_load_kw"], found["utilization"]) == (1400.0, 350.0, 0.625)
    assert figures({"substations": rows})["headroom_kw"] == found["headroom_kw"] == 320.0 + 700.0


def test_paused_sessions_are_counted_where_sessions_are() -> None:
    rows = [row("s-1", 100.0, paused=2), row("s-2", 0.0, paused=1, draining=True), row("s-3", 0.0, paused=9)]
    rows[2]["state"] = "gone"
    found = totals(rows)
    assert (found["sessions"], found["paused"]) == (6, 3)


def test_all_that_takes_no_cars_is_left_out_under_its_reason() -> None:
    rows = [
        row("s-1", 100.0),
        row("s-2", 200.0, draining=True),
        row("s-3", 300.0, state="ejected"),
        row("s-4", 1500.0),
        row("s-5", 999.0, state="gone", draining=True),
        row("s-6", 999.0, state="conflict"),
        row("s-7", 50.0, state="suspect"),
        row("s-8", 60.0, state="probing"),
        row("s-9", 1.0, state="ejected"),
    ]
    found = totals(rows)
    assert found["load_kw"] == 1710.0
    assert found["headroom_kw"] == 1300.0 + 1350.0 + 1340.0
    assert [(each["why"], each["substations"], each["load_kw"]) for each in found["left_out"]] == [
        ("draining", 1, 200.0),
        ("conflict", 1, 999.0),
        ("ejected", 2, 301.0),
        ("gone", 1, 999.0),
    ]


@given(fleets())
def test_the_figures_of_the_fleet_fit_together_and_with_the_preview_of_an_order(
    rows: list[dict[str, Any]],
) -> None:
    found = totals(rows)
    used = [each for each in rows if usable(each)]
    assert found["usable"] + sum(each["substations"] for each in found["left_out"]) == len(rows)
    assert found["capacity_kw"] + sum(each["capacity_kw"] for each in found["left_out"]) == sum(
        each["capacity_kw"] for each in rows
    )
    assert found["headroom_kw"] == figures({"substations": rows})["headroom_kw"]
    assert found["headroom_kw"] >= found["capacity_kw"] - found["load_kw"]
    assert all(not headroom_kw(each) for each in rows if each not in used)
    if not used:
        assert (found["capacity_kw"], found["load_kw"], found["utilization"]) == (0, 0, 0.0)
