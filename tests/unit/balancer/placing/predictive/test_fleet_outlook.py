"""What a fleet will probably carry, point by point: a sum of known plans, and of forecasts with their bands."""

import dataclasses

import pytest

from balancer.fleet.member import Member
from balancer.placing.predictive.fleet_outlook import LONGEST_S, cars_left, expected_base
from balancer.placing.predictive.peaks import BaseForecast, Outlook
from substation.contract import RELEASES_WITHIN_S
from tests.unit.balancer.fleets import KW, Fleet, releases, report
from tests.unit.balancer.placing.predictive.test_choice import AT_18, FIRST, forecast

QUARTER_S = 15.0  # of grid time, at the scale of AT_18


def members(fleet: Fleet) -> list[Member]:
    return list(fleet.roster.members.values())


def outlook(**means_kw: tuple[float, ...]) -> Outlook:
    means = {name: forecast(*loads) for name, loads in means_kw.items()}

    def moved(by_kw: float) -> dict[str, BaseForecast]:
        watts = {name: [each + by_kw * KW for each in mean.watts] for name, mean in means.items()}
        return {name: BaseForecast(FIRST, tuple(each)) for name, each in watts.items()}

    return Outlook(AT_18, {}, frozenset(), means, moved(2), moved(-1))


def test_what_is_left_of_the_cars_is_the_sum_of_what_the_plans_of_all_free() -> None:
    fleet = Fleet(
        report("a", 50, releases_w=releases({30.0: 20 * KW, 60.0: 50 * KW}, 50 * KW)),
        report("b", 10, releases_w=releases({60.0: 10 * KW}, 10 * KW)),
    )
    left = {each.within_s: each.cars_w for each in cars_left(members(fleet), 0.0, 60.0)}
    assert list(left) == [each for each in RELEASES_WITHIN_S if each <= 60.0]
    assert (left[26.0], left[30.0], left[60.0]) == (60 * KW, 40 * KW, 0)


def test_a_report_that_is_some_seconds_old_has_freed_its_part_of_the_schedule() -> None:
    fleet = Fleet(report("a", 50, releases_w=releases({6.0: 50 * KW}, 50 * KW)))
    left = {each.within_s: each.cars_w for each in cars_left(members(fleet), 5.5, 10.0)}
    assert left[0.25] == pytest.approx(12.5 * KW)
    assert left[0.5] == 0


def test_a_fleet_without_substations_has_nothing_to_come() -> None:
    assert cars_left([], 0.0, LONGEST_S) == []
    assert expected_base([], outlook(), 0.0, LONGEST_S) == []


def test_the_expected_base_load_adds_means_and_bounds_and_what_has_no_forecast_stays() -> None:
    fleet = Fleet(report("a", 0), report("b", 0), report("c", 0, base_load_w=7 * KW))
    found = expected_base(members(fleet), outlook(a=(10, 20), b=(30, 40)), 0.0, 2 * QUARTER_S)
    assert [each.within_s for each in found] == [QUARTER_S / 2, QUARTER_S * 1.5]
    assert [each.mean_w for each in found] == [47 * KW, 67 * KW]
    assert [each.p90_w - each.mean_w for each in found] == [4 * KW] * 2
    assert [each.mean_w - each.p10_w for each in found] == [2 * KW] * 2


def test_a_quarter_hour_whose_middle_has_passed_or_that_was_not_forecast_is_left_out() -> None:
    fleet = Fleet(report("a", 0))
    known = outlook(a=(10, 20))
    assert expected_base(members(fleet), known, QUARTER_S * 0.7, QUARTER_S)[0].mean_w == 20 * KW
    assert expected_base(members(fleet), known, QUARTER_S * 200, QUARTER_S) == []
    assert expected_base(members(fleet), dataclasses.replace(known, time=None), 0.0, QUARTER_S) == []
