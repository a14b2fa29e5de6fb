"""The rules find abnormal states and no normal ones, and every rule says what to do."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin_ui.alarms.findings import Finding, Judgement, findings, old_from_s, unknown
from admin_ui.alarms.rules import RULES, scaled
from admin_ui.grid.usable_capacity import totals

STALE_S = 10.0


def row(name: str = "s-1", load_kw: float = 100.0, **more: Any) -> dict[str, Any]:
    capacity_kw = more.pop("capacity_kw", 1000.0)
    return {
        "substation_id": name,
        "state": "healthy",
        "draining": False,
        "capacity_kw": capacity_kw,
        "load_kw": load_kw,
        "headroom_kw": capacity_kw - load_kw,
        "utilization": load_kw / capacity_kw,
        "sessions": 3,
        "report_age_s": 0.5,
        "trend_kw_s": 0.0,
    } | more


def balancer(name: str, state: str = "up", why: str = "") -> dict[str, Any]:
    return {"name": name, "state": state, "why": why}


def state(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "substations": list(rows),
        "totals": totals(list(rows)),
        "link": {"connected": True, "stale": False},
        "unseen": [],
        "balancers": [balancer("a:1"), balancer("b:1")],
        "gateway": {"requests_per_s": 1.0, "refused_per_s": 0.0, "p95_ms": None},
    } | more


def said(shown: dict[str, Any]) -> dict[str, Finding]:
    return {name: finding for (name, _), finding in findings(shown, STALE_S).items()}


def bad(*rows: dict[str, Any], **more: Any) -> set[str]:
    found = said(state(*rows, **more))
    return {name for name, finding in found.items() if finding.judgement is Judgement.BAD}


@pytest.mark.parametrize(
    ("load_kw", "more", "expected"),
    [
        (100, {}, set()),
        (1000, {}, {"OverloadPredicted", "NoHeadroom"}),
        (1010, {}, {"SubstationOverload", "NoHeadroom"}),
        (960, {}, {"OverloadPredicted"}),
        (960, {"draining": True}, {"NoHeadroom"}),
        (750, {"trend_kw_s": 5.0}, {"OverloadPredicted"}),
        (750, {"trend_kw_s": 1.0}, set()),
        (100, {"trend_kw_s": 50.0}, set()),
        (100, {"state": "suspect"}, {"SubstationSuspect"}),
        (100, {"state": "ejected", "report_age_s": 60.0}, {"SubstationDown", "NoHeadroom"}),
        (100, {"state": "gone"}, {"SubstationDown", "NoHeadroom"}),
        (0, {"state": "gone", "draining": True, "sessions": 0}, {"NoHeadroom"}),
        (100, {"state": "conflict"}, {"IdentityConflict", "NoHeadroom"}),
        (100, {"report_age_s": 12.0}, {"ReportsStale"}),
    ],
)
def test_a_substation_is_judged(load_kw: float, more: dict[str, Any], expected: set[str]) -> None:
    assert bad(row(load_kw=load_kw, **more)) == expected


def with_base(load_kw: float, base_load_kw: float, **more: Any) -> dict[str, Any]:
    carried_kw = load_kw + base_load_kw
    loads = {"base_load_kw": base_load_kw, "headroom_kw": 1000 - carried_kw, "utilization": carried_kw / 1000}
    return row(load_kw=load_kw, **loads | {"paused": 0} | more)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (with_base(400, 300), set()),
        (with_base(400, 560), {"OverloadPredicted"}),
        (with_base(400, 610), {"SubstationOverload", "NoHeadroom"}),
        (with_base(400, 560, paused=2), {"SessionsPaused"}),
        (with_base(0, 1100, paused=3), {"SubstationOverload", "SessionsPaused", "NoHeadroom"}),
        (with_base(400, 300, base_load_stale=True), {"BaseLoadStale"}),
        (with_base(400, 300, base_load_stale=False), set()),
    ],
)
def test_base_load_counts_in_every_judgement_and_has_its_own_alarms(
    shown: dict[str, Any], expected: set[str]
) -> None:
    assert bad(shown) == expected


@pytest.mark.parametrize(
    ("load_kw", "expected_kw", "judgement"),
    [
        (400, 610, Judgement.BAD),
        (400, 590, Judgement.BETWEEN),
        (400, 560, Judgement.FINE),
        (900, 40, Judgement.BETWEEN),  # by what it is now: 950 kW
    ],
)
def test_a_base_load_that_is_expected_to_leave_no_room_is_told_before(
    load_kw: float, expected_kw: float, judgement: Judgement
) -> None:
    ahead = {"expected_base_load_kw": expected_kw, "expected_at": "Monday 18:30"}
    finding = said(state(with_base(load_kw, 50) | ahead))["OverloadPredicted"]
    assert finding.judgement is judgement
    words = f"; by the forecast the base load is {expected_kw:.0f} kW at Monday 18:30: "
    assert (words in finding.said) == (load_kw + expected_kw > 970)


def test_an_imbalance_that_base_loads_make_is_no_alarm() -> None:
    uneven = [with_base(0, 700, substation_id="s-1"), row("s-2", 200), row("s-3", 200)]
    assert bad(*uneven) == set()
    assert bad(with_base(400, 300, substation_id="s-1"), *uneven[1:]) == {"LoadImbalance"}


def test_an_overload_and_pauses_say_what_the_base_load_is() -> None:
    assert said(state(with_base(400, 610)))["SubstationOverload"].said == (
        "1,010 kW of 1,000 kW: 10 kW too much; the base load is 610 kW of it"
    )
    over = said(state(with_base(0, 1100, paused=3)))
    assert over["SubstationOverload"].said.endswith("100 kW too much; the base load alone is above the limit")
    assert over["SessionsPaused"].said == "Paused: 3 of 3 sessions. The base load is 1,100 kW of 1,000 kW"


def test_one_that_was_taken_away_in_good_order_is_not_missed() -> None:
    assert bad(row(), row("s-2", 0, state="gone", draining=True, sessions=0)) == set()


@pytest.mark.parametrize(
    ("wanted_s", "more", "expected_s"),
    [(10, {"poll_s": 1.0}, 10), (10, {"poll_s": 2.0}, 10), (10, {"poll_s": 30.0}, 150), (10, {}, 10)],
)
def test_a_report_is_never_old_before_five_polls_of_the_balancer(
    wanted_s: float, more: dict[str, Any], expected_s: float
) -> None:
    assert old_from_s(wanted_s, state(row(), **more)) == expected_s


def test_the_time_to_the_limit_is_told() -> None:
    words = said(state(row(load_kw=750, trend_kw_s=5.0)))["OverloadPredicted"].said
    assert "75 % of 1,000 kW" in words
    assert "at the limit in 50 s" in words


@pytest.mark.parametrize(
    ("loads_kw", "judgement"),
    [
        ((600, 300, 300), Judgement.BAD),
        ((480, 400, 320), Judgement.BETWEEN),
        ((410, 400, 390), Judgement.FINE),
        ((600, 50, 50), Judgement.BETWEEN),
        ((100, 1, 1), None),
        ((900,), None),
        ((1100, 100), None),
    ],
    ids=["uneven", "in the deadband", "even", "not busy enough to raise", "idle", "one alone", "overloaded"],
)
def test_imbalance_is_judged_while_the_fleet_is_busy(
    loads_kw: tuple[int, ...], judgement: Judgement | None
) -> None:
    found = said(state(*(row(f"s-{number}", load_kw) for number, load_kw in enumerate(loads_kw))))
    assert (found["LoadImbalance"].judgement if "LoadImbalance" in found else None) == judgement


@pytest.mark.parametrize(
    ("asked", "refused", "judgement"),
    [
        (10.0, 1.0, Judgement.BAD),
        (10.0, 0.3, Judgement.BETWEEN),
        (1.0, 0.2, Judgement.BETWEEN),
        (10.0, 0.1, Judgement.FINE),
        (0.0, 0.0, None),
    ],
)
def test_refusals_are_judged_by_their_share(
    asked: float, refused: float, judgement: Judgement | None
) -> None:
    found = said(state(row(), gateway={"requests_per_s": asked, "refused_per_s": refused}))
    assert (found["RefusalRateHigh"].judgement if "RefusalRateHigh" in found else None) == judgement


def test_a_lost_stream_and_a_silent_gateway_are_told_and_the_rest_is_not_judged() -> None:
    shown = state(
        row(),
        link={"connected": False, "stale": True},
        gateway={"requests_per_s": None, "refused_per_s": None},
    )
    assert unknown(shown) == RULES.keys() - {"BalancerStreamLost", "GatewayUnreachable"}
    assert {"BalancerStreamLost", "GatewayUnreachable"} <= said(shown).keys()
    assert unknown(state(row())) == set()


def test_each_of_several_balancers_that_is_lost_is_told_by_its_address_while_another_goes_on() -> None:
    lost = balancer("b:1", "lost", "it refuses connections")
    shown = state(row(), balancers=[balancer("a:1"), lost, balancer("c:1", "waiting")])
    found = findings(shown, STALE_S)
    judged = {at: finding.judgement for (name, at), finding in found.items() if name == "BalancerLost"}
    assert judged == {"a:1": Judgement.FINE, "b:1": Judgement.BAD, "c:1": Judgement.FINE}
    assert "it refuses connections" in found["BalancerLost", "b:1"].said
    assert unknown(shown) == set()


def test_while_all_balancers_are_lost_no_single_one_is_judged() -> None:
    all_lost = [balancer("a:1", "lost"), balancer("b:1", "lost")]
    assert unknown(state(row(), balancers=all_lost)) == {"BalancerLost"}


def test_an_address_where_nobody_was_ever_seen_is_told() -> None:
    assert bad(row(), unseen=["http://127.0.0.1:8104"]) == {"SubstationUnseen"}


@given(
    st.lists(
        st.builds(
            row,
            st.sampled_from(["s-1", "s-2", "s-3"]),
            st.floats(0, 2000),
            state=st.sampled_from(["healthy", "suspect", "probing", "ejected", "conflict", "gone"]),
            draining=st.booleans(),
            report_age_s=st.floats(0, 1e6),
            trend_kw_s=st.none() | st.floats(-100, 100),
            sessions=st.integers(0, 9),
        ),
        unique_by=lambda each: each["substation_id"],
    ),
    st.none() | st.floats(0, 100),
)
def test_whatever_is_shown_is_judged_by_rules_that_exist(
    rows: list[dict[str, Any]], rate: float | None
) -> None:
    found = findings(state(*rows, gateway={"requests_per_s": rate, "refused_per_s": rate}), STALE_S)
    assert {name for name, _ in found} <= RULES.keys()
    assert all(finding.said for finding in found.values() if finding.judgement is Judgement.BAD)


def test_no_rule_is_without_an_action() -> None:
    for rule in RULES.values():
        assert len(rule.action.split()) > 4
        assert rule.link.startswith("/")
        assert rule.on_s > 0 < rule.off_s


def test_delays_can_be_shortened_all_at_once() -> None:
    assert scaled(RULES, 0.5)["NoHeadroom"].on_s == RULES["NoHeadroom"].on_s / 2


@pytest.mark.parametrize(
    ("name", "milder", "worse"),
    [
        ("SubstationOverload", state(row(load_kw=1010)), state(row(load_kw=1300))),
        ("OverloadPredicted", state(row(load_kw=955)), state(row(load_kw=999))),
        ("ReportsStale", state(row(report_age_s=11.0)), state(row(report_age_s=60.0))),
        ("LoadImbalance", state(row(load_kw=500), row("s-2", 200)), state(row(load_kw=900), row("s-2", 100))),
        ("NoHeadroom", state(row(load_kw=985)), state(row(load_kw=1000))),
        ("NoHeadroom", state(row(load_kw=985)), state(row(draining=True))),
        (
            "RefusalRateHigh",
            state(row(), gateway={"requests_per_s": 10.0, "refused_per_s": 1.0}),
            state(row(), gateway={"requests_per_s": 2.0, "refused_per_s": 2.0}),
        ),
    ],
)
def test_of_two_findings_of_a_rule_the_worse_has_the_higher_size(
    name: str, milder: dict[str, Any], worse: dict[str, Any]
) -> None:
    assert said(milder)[name].judgement is said(worse)[name].judgement is Judgement.BAD
    assert said(milder)[name].size < said(worse)[name].size


def test_capacity_that_takes_no_cars_is_no_room() -> None:
    found = said(state(row(load_kw=990), row("s-2", 0, draining=True), row("s-3", 0, state="ejected")))
    assert found["NoHeadroom"].judgement is Judgement.BAD
    assert found["NoHeadroom"].said.startswith("10 kW of 1,000 kW")
