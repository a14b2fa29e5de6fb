"""A decision in words: true of its figures, whatever they are."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin_ui.decisions.reasons import MOST_CANDIDATES, explain


def option(name: str, estimate_kw: float, capacity_kw: float = 100, **more: Any) -> dict[str, Any]:
    return {
        "substation_id": name,
        "state": "healthy",
        "draining": False,
        "estimate_kw": estimate_kw,
        "capacity_kw": capacity_kw,
        "report_age_s": 0.2,
    } | more


def decision(*options: dict[str, Any], chosen: str | None = "a", **more: Any) -> dict[str, Any]:
    return {
        "number": 7,
        "unix_ms": 1,
        "vehicle_id": "EV",
        "policy": "least_loaded",
        "attempt": 0,
        "chosen": chosen,
        "reason": "least_loaded among those with room",
        "outcome": "placed",
        "session_id": "a.1",
        "demand_kw": 11,
        "options": list(options),
    } | more


def test_the_lowest_after_adding_is_named_with_its_share() -> None:
    explanation = explain(decision(option("b", 60), option("a", 30.2)))
    assert explanation["words"] == "a had the lowest load for its size after adding 11 kW: 41.2 %."
    assert (explanation["kind"], explanation["came_of_it"]) == ("placed", "admitted")
    assert [(each["name"], each["verdict"]) for each in explanation["candidates"]] == [
        ("a", "chosen"),
        ("b", "higher"),
    ]


def test_who_stood_lower_and_was_not_used_is_named_with_its_reason() -> None:
    explanation = explain(
        decision(
            option("a", 50),
            option("b", 0, draining=True),
            option("c", 0, state="ejected"),
            option("d", 0),
            option("e", 0, state="suspect", linked=False),
        )
    )
    assert explanation["words"] == (
        "a comes to 61.0 % of its limit with 11 kW more. Lower, but not used: b (draining), c (ejected),"
        " e (its stream is down)."
        " d had a lower load too; its room was kept for requests that had waited longer."
    )


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        ("round_robin", "its turn"),
        ("random", "drawn at random"),
        ("power_of_two", "less loaded of two"),
        ("snapshot_least_loaded", "last poll alone"),
        ("predictive", "its peak while the car stays"),
    ],
)
def test_a_choice_that_the_estimates_do_not_explain_is_not_explained_by_them(policy: str, why: str) -> None:
    explanation = explain(
        decision(option("a", 50), option("b", 0), policy=policy, reason=f"{policy} among those with room")
    )
    assert why in explanation["words"]
    assert "lowest load" not in explanation["words"]


def test_a_choice_by_forecast_names_the_peak_that_it_expected() -> None:
    reason = "predictive among those with room: peak 91 % at 18:30"
    explanation = explain(decision(option("a", 50), option("b", 20), policy="predictive", reason=reason))
    assert explanation["words"] == (
        "a: its peak while the car stays was expected to be the lowest: peak 91 % at 18:30."
        " With 11 kW more it comes to 61.0 % of its limit."
    )
    assert [each["verdict"] for each in explanation["candidates"]] == ["chosen", "higher peak expected"]


def test_a_choice_that_could_not_go_by_forecasts_is_explained_as_what_it_was() -> None:
    reason = "predictive among those with room, by least_loaded: 2 of 3 substations have no good forecast"
    explanation = explain(decision(option("a", 20), option("b", 50), policy="predictive", reason=reason))
    assert explanation["words"] == (
        "a had the lowest load for its size after adding 11 kW: 31.0 %."
        " Forecasts could not be used: 2 of 3 substations have no good forecast."
    )
    assert [each["verdict"] for each in explanation["candidates"]] == ["chosen", "higher"]


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        ("", "refused"),
        ("waiting", "waits"),
        ("seated", "placed"),
        ("in_vain", "refused"),
        ("left", "refused"),
    ],
)
def test_when_nobody_was_asked_the_roomiest_shows_how_much_was_lacking(outcome: str, kind: str) -> None:
    explanation = explain(
        decision(
            option("a", 95),
            option("b", 60, draining=True),
            chosen=None,
            reason="nobody has room",
            outcome=outcome,
        )
    )
    assert explanation["kind"] == kind
    assert explanation["words"] == "Nobody has room: 11 kW was asked for, and a had most room left: 5.0 kW."


NUMBERS = st.integers(0, 2000)


@given(
    st.lists(
        st.builds(
            lambda n, kw, limit, out, state: option(f"s-{n}", kw, limit, draining=out, state=state),
            st.integers(0, 40),
            NUMBERS,
            st.integers(1, 2000),
            st.booleans(),
            st.sampled_from(["healthy", "suspect", "ejected"]),
        ),
        min_size=1,
        max_size=20,
        unique_by=lambda each: each["substation_id"],
    ),
    st.integers(0, 19),
)
def test_the_chosen_is_always_among_what_is_shown_and_lowest_is_said_of_none_but_the_lowest(
    options: list[dict[str, Any]], index: int
) -> None:
    chosen = options[index % len(options)]
    explanation = explain(decision(*options, chosen=chosen["substation_id"]))
    assert [each["name"] for each in explanation["candidates"] if each["chosen"]] == [chosen["substation_id"]]
    assert len(explanation["candidates"]) + explanation["left_out"] == len(options)
    assert len(explanation["candidates"]) <= MOST_CANDIDATES
    shares = [(each["estimate_kw"] + 11) / each["capacity_kw"] for each in options]
    is_lowest = (chosen["estimate_kw"] + 11) / chosen["capacity_kw"] <= min(shares) + 1e-6
    assert ("had the lowest load" in explanation["words"]) == is_lowest


@pytest.mark.parametrize(
    ("made", "usual"),
    [
        (decision(option("b", 60), option("a", 30)), True),
        (decision(option("b", 60), option("a", 30), outcome=""), True),
        (decision(option("a", 60), option("b", 0, draining=True)), True),
        (decision(option("a", 60), option("b", 0, state="ejected")), False),
        (decision(option("a", 60), option("b", 0)), False),
        (decision(option("a", 30), outcome="refused"), False),
        (decision(option("a", 30), outcome="unknown"), False),
        (decision(option("a", 30), chosen=None, outcome="waiting", reason="no room"), False),
        (decision(option("b", 10), option("a", 30), policy="random", reason="random"), True),
        (decision(option("b", 10), option("a", 30), policy="of the future", reason="x"), False),
        (
            decision(option("a", 30), policy="predictive", reason="predictive, by least_loaded: no forecast"),
            False,
        ),
    ],
)
def test_a_decision_is_usual_where_its_policy_says_all(made: dict[str, Any], usual: bool) -> None:
    assert explain(made)["usual"] is usual
