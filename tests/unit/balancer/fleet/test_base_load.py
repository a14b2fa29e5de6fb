"""Base load, and what paused sessions are owed, in the view of the fleet: they count as taken, and are no load of cars."""

import dataclasses
from typing import Any

import pytest

from balancer.fleet.handlers import member_json
from balancer.fleet.health import HealthState
from balancer.fleet.poller import checked
from balancer.fleet.scan import PageReading, PageUnusable
from balancer.report_fault import report_fault
from substation.contract import Report
from tests.unit.balancer.fleets import KW, Fleet, releases, report

FREED = releases({10.0: 20_000}, 40_000)


def loaded(
    name: str = "a", load_kw: int = 40, base_kw: int = 30, owed_kw: int = 11, **changed: Any
) -> Report:
    """Of 100 kW; 20 kW of its load are freed within 10 s."""
    given = {"sessions": 5, "paused": 1, "releases_w": FREED} | changed
    return report(name, load_kw, base_load_w=base_kw * KW, owed_w=owed_kw * KW, **given)


def test_cars_base_load_and_owed_power_leave_the_rest_for_new_cars() -> None:
    fleet = Fleet(loaded())
    assert fleet.view.free_w((), 0.0, surely=True) == {"a": 19 * KW}
    assert (fleet.choose(19), fleet.choose(20)) == ("a", None)
    assert fleet.choose(39, now_s=10.0) == "a"


def test_a_new_car_goes_where_cars_and_base_load_together_are_lowest() -> None:
    fleet = Fleet(loaded("a", 40, 50, 0), loaded("b", 60, 20, 0, releases_w=releases({}, 60_000)))
    assert fleet.choose(1) == "b"


def test_a_demand_fits_when_the_plans_have_freed_enough_beside_them() -> None:
    fleet = Fleet(loaded())
    member = fleet.roster.members["a"]
    assert (member.fits_in_s(19 * KW, 0.0), member.fits_in_s(20 * KW, 0.0)) == (0.0, 10.0)
    assert member.fits_in_s(40 * KW, 0.0) is None, "what is owed is nobody else's"
    assert member.openings(0.0)[0] == (0.0, 19 * KW)
    assert (member.free_w(0.0), member.free_w(10.0)) == (19 * KW, 39 * KW)


def test_a_base_load_that_moves_is_an_error_of_the_estimate() -> None:
    fleet = Fleet(loaded())
    assert fleet.poll(dataclasses.replace(loaded(base_kw=33), seq=2), 0.0) == -3 * KW


def test_the_fleet_shows_them_apart_and_their_sum_as_utilization() -> None:
    member = Fleet(loaded()).roster.members["a"]
    member.outstanding_w = 4 * KW
    shown = member_json("a", member, HealthState.HEALTHY, 0.0)
    assert {
        name: shown[name] for name in ("load_kw", "base_load_kw", "owed_kw", "headroom_kw", "utilization")
    } == {
        "load_kw": 44.0,
        "base_load_kw": 30.0,
        "owed_kw": 11.0,
        "headroom_kw": 15.0,
        "utilization": 0.74,
    }
    assert (shown["sessions"], shown["paused"]) == (5, 1)


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"base_load_w": -1}, "base load -1 is not within"),
        ({"base_load_w": 10**10}, "base load 1e"),
        ({"owed_w": -1}, "owed power -1"),
        ({"paused": 6}, "paused sessions 6 is not within 0 and 5"),
    ],
)
def test_a_report_with_an_impossible_base_load_is_not_believed(changed: dict[str, Any], fault: str) -> None:
    genuine = dataclasses.replace(loaded(), rated_w=100 * KW, substation_id="s-1")
    assert not report_fault(genuine, 10.0)
    with pytest.raises(PageUnusable, match=fault):
        checked("http://h:1", PageReading(dataclasses.replace(genuine, **changed), ":1"), 10.0)
