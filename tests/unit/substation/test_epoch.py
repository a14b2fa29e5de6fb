"""The epoch of a substation's start, by which balancers tell reports before a restart from those after it."""

from substation.journal import DAY_S, next_epoch

NOW_S = 1_790_000_000


def test_it_rises_with_each_start_also_when_the_clock_was_set_back() -> None:
    assert next_epoch(0, NOW_S) == NOW_S
    assert next_epoch(NOW_S, NOW_S) == NOW_S + 1
    assert next_epoch(NOW_S + 3600, NOW_S) == NOW_S + 3601
    assert next_epoch(NOW_S + DAY_S, NOW_S) == NOW_S + DAY_S + 1


def test_one_of_a_clock_that_was_over_a_day_ahead_does_not_last() -> None:
    """Balancers refuse reports of an epoch that is more than a day ahead."""
    assert next_epoch(NOW_S + DAY_S + 1, NOW_S) == NOW_S
