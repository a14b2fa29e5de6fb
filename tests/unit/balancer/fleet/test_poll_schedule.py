"""When addresses are polled: in even steps, however many there are, and never in a burst."""

import itertools
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balancer.fleet.poll_schedule import CATCH_UP, JITTER, PollSchedule

EVERY_S = 1.0


def filled(count: int) -> PollSchedule:
    """A schedule of addresses that were found at once, at the moment 0."""
    schedule = PollSchedule(EVERY_S, random.Random(1))
    for number in range(count):
        schedule.add(f"s-{number}", 0.0)
    return schedule


def begun(
    schedule: PollSchedule, until_s: float, turn_s: float, from_s: float = 0.0
) -> list[tuple[float, str]]:
    """The moments at which polls begin, turn by turn, with their addresses."""
    turns = range(round(from_s / turn_s), round(until_s / turn_s))
    return [(number * turn_s, url) for number in turns for url in schedule.begin(number * turn_s, turn_s)]


@pytest.mark.parametrize("count", [2, 3, 10, 100, 1_000])
def test_the_first_polls_are_spread_over_the_interval_however_many_addresses_there_are(count: int) -> None:
    turn_s = EVERY_S / 16 / count
    first = dict(reversed([(url, at_s) for at_s, url in begun(filled(count), EVERY_S, turn_s)]))
    shares = sorted(first.values())
    gaps = [after - before for before, after in itertools.pairwise([*shares, shares[0] + EVERY_S])]
    assert len(first) == count
    assert 0.2 / count < min(gaps)
    assert max(gaps) < 2.1 / count


@pytest.mark.parametrize("count", [1, 3, 200])
def test_each_address_is_polled_once_in_an_interval_give_or_take_the_jitter(count: int) -> None:
    turn_s = EVERY_S / 50
    polls = begun(filled(count), 20.0, turn_s)
    for number in range(count):
        moments = [at_s for at_s, url in polls if url == f"s-{number}"]
        gaps = [after - before for before, after in itertools.pairwise(moments)]
        assert all(abs(gap - EVERY_S) <= EVERY_S * JITTER / 2 + turn_s + 1e-9 for gap in gaps)
        assert 18 <= len(moments) <= 21
    assert len({round(gap, 3) for gap in gaps}) > 1 or count == 1, "balancers must not poll in step"


def test_after_a_standstill_polls_are_made_up_for_once_and_without_a_burst() -> None:
    count, turn_s = 400, EVERY_S / 100
    schedule = filled(count)
    begun(schedule, 3.0, turn_s)
    polls = begun(schedule, 60.0, turn_s, from_s=50.0)
    for at_s, of_one in itertools.groupby(polls, key=lambda poll: poll[0]):
        assert len(list(of_one)) <= 1 + math.ceil(CATCH_UP * count * turn_s / EVERY_S), at_s
    assert {url for _, url in polls[:count]} == {f"s-{number}" for number in range(count)}
    assert count * 9 <= len(polls) <= count * 11


@given(st.lists(st.integers(0, 3), max_size=40))
def test_an_address_that_was_dropped_is_polled_no_more_and_one_that_comes_again_is_polled_once(
    steps: list[int],
) -> None:
    schedule, watched = PollSchedule(EVERY_S, random.Random(1)), set[str]()
    for step, number in enumerate(steps):
        url = f"s-{number}"
        if url in watched:
            schedule.drop(url)
        else:
            schedule.add(url, float(step))
        watched ^= {url}
        assert set(schedule.begin(step + 0.9, 10.0)) <= watched
    end_s = len(steps) + 5 * EVERY_S
    assert sorted(schedule.begin(end_s, 10.0)) == sorted(watched)
    assert len(schedule) == len(watched)
