"""What the gateway counted, as rates and percentiles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin_ui.grid.rates import LATENCY_S, RATE_S, Counts, Rates, percentile_ms

INF = float("inf")


def counts(
    at_s: float, admitted: float, refused: float = 0.0, within: tuple[float, float, float] = (0, 0, 0)
) -> Counts:
    bounds = dict(zip((0.01, 0.1, INF), within, strict=True))
    return Counts(at_s, {"admitted": admitted, "no_capacity": refused}, bounds)


def test_rates_are_of_the_last_seconds_only() -> None:
    rates = Rates()
    for second in range(20):
        rates.take(counts(second, 100.0 * min(second, 10) + 4 * max(second - 10, 0), 2.0 * second))
    shown = rates.shown(19.0)
    assert (shown["requests_per_s"], shown["refused_per_s"]) == (6.0, 2.0)


def test_one_reading_tells_no_rate_and_an_old_one_nothing() -> None:
    rates = Rates()
    assert set(rates.shown(0.0).values()) == {None}
    rates.take(counts(0.0, 5))
    assert rates.shown(0.0)["requests_per_s"] is None
    rates.take(counts(1.0, 5))
    assert rates.shown(1.0)["requests_per_s"] == 0.0
    assert rates.shown(1.1 + RATE_S)["requests_per_s"] is None


def test_a_gateway_that_began_anew_gives_no_negative_rate() -> None:
    rates = Rates()
    for second, admitted in enumerate((500.0, 510.0, 3.0, 5.0)):
        rates.take(counts(second, admitted))
    assert rates.shown(3.0)["requests_per_s"] == 2.0


def test_percentiles_are_of_the_last_minute() -> None:
    rates = Rates()
    rates.take(counts(0.0, 0, within=(0, 0, 0)))
    rates.take(counts(1.0, 1000, within=(1000, 1000, 1000)))
    rates.take(counts(30.0, 1000, within=(1000, 1000, 1000)))
    assert rates.shown(30.0)["p95_ms"] == 9.5
    rates.take(counts(2.0 + LATENCY_S, 1010, within=(1000, 1010, 1010)))
    assert rates.shown(2.0 + LATENCY_S)["p95_ms"] == 95.5


@pytest.mark.parametrize(
    ("within", "expected"),
    [((0, 0, 0), None), ((100, 100, 100), 9.5), ((0, 100, 100), 95.5), ((0, 0, 100), 100.0)],
)
def test_a_percentile_is_linear_in_its_bucket_and_at_least_the_highest_bound(
    within: tuple[float, float, float], expected: float | None
) -> None:
    assert percentile_ms({}, dict(zip((0.01, 0.1, INF), within, strict=True)), 0.95) == expected


@given(st.lists(st.integers(0, 50), min_size=2, max_size=8), st.floats(0.01, 1))
def test_a_percentile_lies_in_the_bucket_that_holds_it(ended: list[int], share: float) -> None:
    bounds_s = [*(0.001 * 2**n for n in range(len(ended) - 1)), INF]
    total, within = 0, {}
    for bound_s, count in zip(bounds_s, ended, strict=True):
        total += count
        within[bound_s] = float(total)
    found = percentile_ms({}, within, share)
    if not total:
        assert found is None
        return
    at = next(n for n, bound_s in enumerate(bounds_s) if within[bound_s] >= share * total)
    low_ms = bounds_s[at - 1] * 1000 if at else 0.0
    high_ms = low_ms if bounds_s[at] == INF else bounds_s[at] * 1000
    assert found is not None
    assert low_ms - 0.1 <= found <= high_ms + 0.1


def test_every_refusal_counts_also_of_a_request_that_comes_again() -> None:
    rates = Rates()
    rates.take(Counts(0.0, {"admitted": 0, "no_capacity": 0, "no_substation": 0}, {}))
    for second in range(1, 11):  # one car that is refused ten times, and is admitted in the end
        refused = {"no_capacity": min(second, 8), "no_substation": max(second - 8, 0)}
        rates.take(Counts(float(second), {"admitted": second // 10} | refused, {}))
    shown = rates.shown(10.0)
    assert (shown["refused_per_s"], shown["refused_in_60_s"]) == (1.0, 10)


def test_answers_that_say_neither_yes_nor_no_are_counted_apart_from_refusals() -> None:
    rates = Rates()
    for second in (0, 1):
        outcomes = {"admitted": 5, "unknown": 3, "withdrawn": 2, "failed": 1, "no_capacity": 7}
        rates.take(Counts(float(second), {name: count * second for name, count in outcomes.items()}, {}))
    shown = rates.shown(1.0)
    assert (shown["refused_in_60_s"], shown["failed_in_60_s"]) == (7, 6)


def test_a_gateway_that_began_anew_and_has_counted_past_the_old_count_is_noticed() -> None:
    rates = Rates()
    for second, (started, admitted) in enumerate([(1.0, 5.0), (2.0, 600.0), (2.0, 602.0)]):
        rates.take(Counts(float(second), {"admitted": admitted}, {}, started))
    assert rates.shown(2.0)["requests_per_s"] == 2.0
