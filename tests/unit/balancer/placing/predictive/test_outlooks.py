"""The outlook of a fleet, from what its substations report and what is forecast of each."""

import pytest

from balancer.forecast.model import Step
from balancer.placing.predictive.choice import ForecastChoice
from balancer.placing.predictive.outlooks import LEAST_S, OutlookKeeper, cautious_w
from substation.contract import Report
from tests.unit.balancer.fleets import Fleet, report

SCALE = 120
AT_6 = 6 * 3600


class Desk:
    """A fleet whose substations tell the grid's time, and forecasts that are given."""

    def __init__(self, **ahead_s: int) -> None:
        """Each substation's calendar is so many seconds ahead."""
        self.ahead_s = ahead_s
        self.fleet = Fleet(*(self._report(name, 0.0) for name in ahead_s))
        self.choice = ForecastChoice(self.fleet.roster.members)
        self.steps: dict[str, tuple[Step, ...]] = {}
        self.bad: set[str] = set()
        self.keeper = OutlookKeeper(
            self.fleet.roster.members,
            lambda name: self.steps.get(name, ()),
            lambda name: name not in self.bad,
            self.choice,
        )
        self.keeper.refresh()

    def pass_time(self, now_s: float, epoch: int = 1) -> None:
        for name in self.ahead_s:
            self.fleet.poll(self._report(name, now_s, epoch), now_s)
        self.keeper.refresh()

    def _report(self, name: str, now_s: float, epoch: int = 1) -> Report:
        calendar_s = int(AT_6 + self.ahead_s[name] + now_s * SCALE)
        return report(name, 0, calendar_s=calendar_s, seq=1 + int(now_s * 10), epoch=epoch)


def forecast(first: int) -> tuple[Step, ...]:
    return tuple(Step(first + step, 1000.0 + step, 900.0, 1100.0 + step) for step in range(96))


def test_the_time_is_known_from_two_reports_that_are_far_enough_apart() -> None:
    desk = Desk(a=0)
    desk.pass_time(LEAST_S - 1)
    assert desk.choice.doubt(4.0) == "the grid's time is not known yet"
    desk.pass_time(10.0)
    time = desk.choice.outlook.time
    assert time
    assert time.scale == pytest.approx(SCALE)
    assert time.slot_at(10.0) == 6 * 4 + 1  # 06:20
    assert desk.choice.doubt(10.0) == "1 of 1 substations have no good forecast"


def test_a_forecast_is_shown_once_it_is_there_and_again_when_it_is_another_or_loses_trust() -> None:
    desk = Desk(a=0)
    desk.pass_time(10.0)
    desk.steps["a"] = forecast(25)
    desk.keeper.refresh()
    first = desk.choice.outlook
    assert not desk.choice.doubt(10.0)
    assert first.forecasts["a"].first_slot == 25
    assert 1000.0 < first.forecasts["a"].watts[0] == first.forecasts["a"].watts[1] - 1 < 1001.0, (
        "the band is narrow"
    )
    assert (first.means["a"].watts[0], first.upper["a"].watts[0]) == (1000.0, 1100.0)
    desk.pass_time(11.0)
    assert desk.choice.outlook is first
    desk.steps["a"] = forecast(26)
    desk.pass_time(17.5)
    assert desk.choice.outlook.forecasts["a"].first_slot == 26
    desk.bad.add("a")
    desk.pass_time(18.0)
    assert desk.choice.doubt(18.0) == "1 of 1 substations have no good forecast"


@pytest.mark.parametrize(
    ("above_w", "counted_w"), [(0, 0), (5_000, 1_827), (10_000, 7_306), (40_000, 40_000)]
)
def test_placement_counts_the_nearer_to_p90_the_wider_the_band_is(above_w: int, counted_w: int) -> None:
    step = Step(0, 50_000.0, 0.0, 50_000.0 + above_w)
    assert cautious_w(step, 100_000) == pytest.approx(50_000 + counted_w, abs=1)


def test_forecasts_of_other_calendars_are_moved_to_that_of_the_first() -> None:
    desk = Desk(a=0, b=5 * 3600, c=-40 * 60)
    desk.steps = {"a": forecast(25), "b": forecast(25 + 20), "c": forecast(25 - 2)}
    desk.pass_time(10.0)
    found = desk.choice.outlook.forecasts
    assert {name: each.first_slot for name, each in found.items()} == {"a": 25, "b": 25, "c": 26}


def test_after_a_restart_the_scale_is_measured_anew() -> None:
    desk = Desk(a=0)
    desk.pass_time(10.0)
    desk.ahead_s["a"] = 7200
    desk.steps["a"] = forecast(1)
    desk.pass_time(11.0, epoch=2)
    desk.pass_time(21.0, epoch=2)
    time = desk.choice.outlook.time
    assert time
    assert time.scale == pytest.approx(SCALE)
    assert time.slot_at(21.0) == (AT_6 + 7200 + 21 * SCALE) // 900


def test_a_substation_that_does_not_tell_the_time_has_no_forecast() -> None:
    desk = Desk(a=0, b=-AT_6)
    desk.ahead_s["b"] = -(10**6)
    desk.steps = {"a": forecast(25), "b": forecast(25)}
    for now_s in (10.0, 20.0):
        desk.fleet.poll(report("b", 0, calendar_s=0, seq=int(now_s)), now_s)
        desk.fleet.poll(desk._report("a", now_s), now_s)
        desk.keeper.refresh()
    assert desk.choice.outlook.forecasts.keys() == {"a"}
