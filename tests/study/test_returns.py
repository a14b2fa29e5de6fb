"""Refused cars that come back when told, as tests/study/returns.py measures it at length."""

import functools

from tests.study.returns import ReturningGrid, returned


@functools.cache
def grid(*, by_forecast: bool) -> ReturningGrid:
    return returned("mixed", 2, 2, 1, by_forecast=by_forecast)


def share(found: ReturningGrid) -> float:
    return len(found.got_in_s) / (len(found.got_in_s) + len(found.in_vain_s))


def test_most_who_come_back_when_told_get_in_by_the_base_load_to_come() -> None:
    """Over 8 seeds of 3 days at 3 substations: 88.8 % (docs/adr/0070)."""
    found = grid(by_forecast=True)
    assert len(found.got_in_s) > 20
    assert share(found) > 0.6


def test_the_base_load_to_come_changes_what_refused_cars_are_told() -> None:
    with_base, without = grid(by_forecast=True), grid(by_forecast=False)
    assert with_base.got_in_s != without.got_in_s
