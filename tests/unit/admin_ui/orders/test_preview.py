"""Previews of orders, for every fleet: the figures add up, and an order has the effects that were previewed."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin_ui.grid.usable_capacity import usable
from admin_ui.orders.order import FLEET, InvalidOrder, Order, parse
from admin_ui.orders.preview import (
    SAME_KW,
    arrivals,
    basis,
    below_in_s,
    effect,
    figures,
    preview,
    preview_stop,
    room_kw,
    shows,
    undo,
    why_not,
)

POLICIES = ["least_loaded", "power_of_two", "round_robin", "random", "snapshot_least_loaded"]
STATES = ["healthy", "suspect", "probing", "ejected", "conflict", "gone"]


def row(name: str, load_kw: float = 400, limit_kw: float = 1000, **more: Any) -> dict[str, Any]:
    return {
        "substation_id": name,
        "state": "healthy",
        "draining": False,
        "capacity_kw": limit_kw,
        "rated_kw": 1000.0,
        "load_kw": load_kw,
        "sessions": 3,
    } | more


def fleet_of(*rows: dict[str, Any], policy: str = "least_loaded") -> dict[str, Any]:
    return {"policy": policy, "policies": POLICIES, "substations": list(rows)}


@st.composite
def fleets(draw: st.DrawFn) -> dict[str, Any]:
    rows = []
    for number in range(draw(st.integers(1, 5))):
        rated_kw = draw(st.integers(1, 5000))
        rows.append(
            row(
                f"s-{number}",
                load_kw=draw(st.integers(0, 6000)),
                limit_kw=draw(st.integers(1, rated_kw)),
                rated_kw=rated_kw,
                draining=draw(st.booleans()),
                state=draw(st.sampled_from(STATES)),
            )
        )
    return fleet_of(*rows, policy=draw(st.sampled_from(POLICIES)))


ORDERS = st.one_of(
    st.builds(Order, st.sampled_from(["drain", "restore"]), st.sampled_from(["s-0", "s-1", "s-9"])),
    st.builds(
        Order, st.just("capacity"), st.sampled_from(["s-0", "s-1"]), st.none() | st.floats(0.001, 6000)
    ),
    st.builds(Order, st.just("policy"), st.just(FLEET), st.sampled_from([*POLICIES, "best"])),
)


@given(fleets(), ORDERS, st.none() | st.floats(-50, 50))
def test_an_order_changes_what_it_orders_alone_and_its_undo_brings_it_back(
    fleet: dict[str, Any], wanted: Order, growth: float | None
) -> None:
    before = copy.deepcopy(fleet)
    result = preview(fleet, wanted, growth)
    assert fleet == before
    if result["refused"]:
        return
    after = effect(fleet, wanted)
    back = undo(fleet, wanted)
    assert back
    assert shows(after, wanted)
    assert not shows(fleet, wanted)
    assert basis(effect(after, back)) == basis(fleet) == result["basis"]
    assert not why_not(after, back)
    others = [each for each in after["substations"] if each["substation_id"] != wanted.target]
    assert others == [each for each in fleet["substations"] if each["substation_id"] != wanted.target]


@given(fleets(), ORDERS, st.none() | st.floats(-50, 50))
def test_the_figures_and_the_arrivals_of_a_preview_are_those_of_the_fleet_after_it(
    fleet: dict[str, Any], wanted: Order, growth: float | None
) -> None:
    result = preview(fleet, wanted, growth)
    if result["refused"]:
        return
    after = effect(fleet, wanted)["substations"]
    shown = {each["name"]: each["after"] for each in result["figures"]}
    free = [
        max(each["capacity_kw"] - each["load_kw"], 0)
        for each in after
        if not each["draining"] and each["state"] in {"healthy", "suspect", "probing"}
    ]
    assert shown["headroom_kw"] == pytest.approx(sum(free), abs=0.06)
    assert shown["open"] == len(free)
    assert {each["substation_id"] for each in result["arrivals"]} == {
        each["substation_id"] for each in after if room_kw(each) > 0
    }
    if result["arrivals"]:
        assert sum(each["share"] for each in result["arrivals"]) == pytest.approx(1)
    nobody = any("No substation would be left" in each for each in result["warnings"])
    gets_worse = shown["headroom_kw"] <= figures(fleet)["headroom_kw"]
    assert nobody == (gets_worse and not any(usable(each) for each in after))


def test_the_firm_capacity_is_what_the_base_loads_of_the_substations_that_remain_leave_for_cars() -> None:
    rows = [row("a", 300, base_load_kw=400.0), row("b", 300, base_load_kw=100.0), row("c", 300)]
    assert figures(fleet_of(*rows))["firm_kw"] == 600 + 900
    drained = preview(fleet_of(*rows), Order("drain", "c"))
    assert [each for each in drained["warnings"] if "600 kW would be left for the 600 kW" in each] == []
    rows[0]["load_kw"] = 310
    (warning,) = preview(fleet_of(*rows), Order("drain", "c"))["warnings"]
    assert "600 kW would be left for the 610 kW that cars reserve now" in warning


def test_predictive_is_previewed_by_what_it_would_go_by_now() -> None:
    fleet = fleet_of(row("a", 700), row("b", 200)) | {"policies": [*POLICIES, "predictive"]}
    switch = Order("policy", FLEET, "predictive")
    good = preview(fleet | {"forecast_doubt": ""}, switch)["effects"]
    assert good[-1] == "New cars go to a, b, each where the peak while it stays is expected to be lowest."
    doubted = preview(fleet | {"forecast_doubt": "no forecast"}, switch)["effects"]
    assert doubted[-1] == "New cars go to a, b, first to b: it stands lowest, at 20.0 %."


def test_a_paused_session_that_is_stopped_frees_what_was_kept_for_it() -> None:
    session = {"session_id": "s", "state": "paused", "vehicle_id": "EV", "substation_id": "a"}
    shown = preview_stop(session | {"delivered_kwh": 1.0, "energy_kwh": 20.0}, 0.0)
    assert shown["effects"][:2] == [
        "EV will not resume. It has 1.0 of 20 kWh.",
        "a no longer keeps room for it.",
    ]


def test_a_drain_moves_new_cars_to_the_lowest_of_the_others_and_lowers_the_firm_capacity() -> None:
    fleet = fleet_of(row("a", 700), row("b", 200), row("c", 500))
    result = preview(fleet, Order("drain", "b"))
    assert {each["name"]: (each["before"], each["after"]) for each in result["figures"]} == {
        "headroom_kw": (1600, 800),
        "firm_kw": (2000, 1000),
        "open": (3, 2),
    }
    assert [(each["substation_id"], each["share"]) for each in result["arrivals"]] == [
        ("c", 0.625),
        ("a", 0.375),
    ]
    assert "New cars go to a, c, first to c: it stands lowest, at 50.0 %." in result["effects"]
    (warning,) = result["warnings"]
    assert warning.startswith(
        "With the largest substation lost as well, 1,000 kW would be left for the 1,200 kW"
    )
    assert result["undo"] == {"order": "restore", "target": "b", "value": None}


def test_a_policy_that_does_not_look_at_the_load_shares_evenly() -> None:
    fleet = fleet_of(row("a", 900), row("b", 0), policy="round_robin")
    assert [each["share"] for each in arrivals(fleet)] == [0.5, 0.5]


def test_a_limit_below_the_load_cuts_nobody_off_and_says_when_the_load_is_below_it() -> None:
    releases = [(1.0, 10.0), (10.0, 80.0), (30.0, 150.0), (60.0, 400.0)]
    result = preview(fleet_of(row("a"), row("b")), Order("capacity", "a", 300), None, releases)
    assert result["effects"][0] == (
        "Nobody is cut off. a carries 100 kW more than the new limit of 300 kW, and admits nothing until its load"
        " is below it. By the plans of its sessions that is in 10 to 30 s."
    )
    unknown = preview(fleet_of(row("a"), row("b")), Order("capacity", "a", 300))
    assert unknown["effects"][0].endswith("When that will be is not known.")


@given(
    st.lists(st.tuples(st.floats(0.1, 1000), st.floats(0, 1000)), unique_by=lambda each: each[0]),
    st.floats(0.01, 1000),
)
def test_the_time_until_a_load_has_fallen_is_between_two_points_of_the_plans(
    points: list[tuple[float, float]], excess_kw: float
) -> None:
    times, freed = sorted(at for at, _ in points), sorted(kw for _, kw in points)
    releases = list(zip(times, freed, strict=True))
    found = below_in_s(releases, excess_kw)
    enough = [at for at, kw in releases if kw >= excess_kw - SAME_KW]
    assert (found[1] if found else None) == (enough[0] if enough else None)
    if found:
        assert found[0] == max((at for at in times if at < found[1]), default=0.0)


def test_growth_that_uses_up_the_room_that_is_left_is_a_warning() -> None:
    fleet = fleet_of(row("a", 700), row("b", 0))
    assert any("lasts 30 s" in each for each in preview(fleet, Order("drain", "b"), 10.0)["warnings"])
    assert not any("lasts" in each for each in preview(fleet, Order("drain", "b"), 1.0)["warnings"])
    assert not any("lasts" in each for each in preview(fleet, Order("drain", "b"), -10.0)["warnings"])


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (Order("drain", "x"), "The balancer shows no x."),
        (Order("restore", "a"), "a is not drained already."),
        (Order("capacity", "a", 1001), "a is rated for 1,000 kW: a limit can't be above that."),
        (Order("capacity", "a", None), "The limit of a is 1,000 kW already."),
        (Order("policy", FLEET, "least_loaded"), "The policy is least_loaded already."),
    ],
)
def test_what_can_t_be_ordered_is_said_before_it_is(wanted: Order, why: str) -> None:
    assert preview(fleet_of(row("a")), wanted)["refused"] == why


@pytest.mark.parametrize(
    "change",
    [
        {"draining": True},
        {"capacity_kw": 999},
        {"state": "ejected"},
    ],
)
def test_a_state_in_which_an_order_would_do_something_else_has_another_basis(change: dict[str, Any]) -> None:
    fleet = fleet_of(row("a"), row("b"))
    assert basis(fleet_of(row("a"), row("b", **change))) != basis(fleet)
    assert basis(fleet_of(row("a"), row("b", load_kw=1, state="suspect"))) == basis(fleet)


def test_stopping_a_session_says_what_it_has_and_that_it_can_t_be_undone() -> None:
    session = {
        "session_id": "a.1",
        "substation_id": "a",
        "vehicle_id": "EV",
        "state": "charging",
        "delivered_kwh": 3.14,
        "energy_kwh": 22.0,
    }
    result = preview_stop(session, 8.25)
    assert result["effects"][:2] == [
        "EV stops charging now. It has 3.1 of 22 kWh.",
        "a gets 8.25 kW of room back at once.",
    ]
    assert result["undo"] is None
    assert (
        preview_stop(session | {"state": "completed"}, 0)["refused"]
        == "The session has ended already: completed."
    )


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"order": "explode", "target": "a"},
        {"order": "drain"},
        {"order": "drain", "target": ""},
        {"order": "drain", "target": 7},
        {"order": "capacity", "target": "a"},
        {"order": "policy", "target": "a"},
        {"order": "capacity", "target": "a", "value": "7"},
        {"order": "capacity", "target": "a", "value": True},
        {"order": "capacity", "target": "a", "value": 0},
        {"order": "capacity", "target": "a", "value": float("nan")},
        {"order": "capacity", "target": "a", "value": float("inf")},
        {"order": ["drain"], "target": "a"},
    ],
)
def test_what_is_no_order_is_none(document: dict[str, Any]) -> None:
    with pytest.raises(InvalidOrder):
        parse(document)
