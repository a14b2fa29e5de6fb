"""The highest share of the limit that is expected within two hours, by which an alarm is raised."""

import math

from balancer.placing.predictive.choice import ForecastChoice
from balancer.placing.predictive.expected_peaks import SOON, expected_peaks
from balancer.placing.predictive.peaks import Outlook
from tests.unit.balancer.fleets import KW, Fleet, releases, report
from tests.unit.balancer.placing.predictive.test_choice import AT_18, forecast

HOURS_S = 60.0  # an hour of grid time


def shares(fleet: Fleet, now_s: float = 0.0, **means_kw: tuple[float, ...]) -> dict[str, float]:
    choice = ForecastChoice(fleet.roster.members)
    means = {name: forecast(*loads) for name, loads in means_kw.items()}
    choice.show(Outlook(AT_18, {}, frozenset(), means))
    return {name: round(share, 3) for name, share in expected_peaks(fleet.roster.members, choice, now_s)}


def test_it_is_the_highest_load_of_base_load_and_known_plans_within_two_hours() -> None:
    leaving = releases({30.0: 50 * KW}, 50 * KW)  # by 18:30
    fleet = Fleet(report("a", 50), report("b", 50, releases_w=leaving))
    evening = (10, 10, 10, 60)
    assert shares(fleet, a=evening, b=evening) == {"a": 1.1, "b": 0.6}


def test_what_comes_later_does_not_count_and_the_load_of_now_does() -> None:
    fleet = Fleet(report("a", 0, base_load_w=70 * KW))
    falls_and_rises = (70, *[20] * SOON, 99)
    assert shares(fleet, a=falls_and_rises) == {"a": 0.7}


def test_what_is_on_its_way_and_what_paused_sessions_are_owed_counts_and_what_is_kept_does_not() -> None:
    fleet = Fleet(report("a", 10, owed_w=20 * KW, paused=1, sessions=2, kept_w=60 * KW))
    with fleet.view.holding("a", 5 * KW):
        assert shares(fleet, a=(10, 40)) == {"a": 0.75}


def test_without_a_forecast_of_this_time_it_is_unknown() -> None:
    fleet = Fleet(report("a", 10), report("b", 10))
    found = shares(fleet, a=(10, 40))
    assert math.isnan(found["b"])
    assert math.isnan(shares(fleet, now_s=30 * HOURS_S, a=(10, 40))["a"]), "the forecast is over"
