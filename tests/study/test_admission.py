"""Admission by forecast over some days with real base loads, as tests/study/admission.py measures it at length."""

from tests.study.admission import RULES, by_margin, run_days

DAYS, SEEDS = 3, (1, 2)


def measured(rule: str) -> tuple[float, float]:
    """Refusals in percent, and overload minutes a day and substation."""
    found = [run_days("mixed", 3, DAYS, seed, RULES[rule]) for seed in SEEDS]
    return sum(refused for refused, _ in found) / len(SEEDS), sum(over for _, over in found) / len(SEEDS)


def test_the_upper_bound_of_the_forecast_refuses_more_and_overloads_less_than_the_load_of_now() -> None:
    """Over 6 seeds of 14 days: 29 minutes of overload a day and substation become 7."""
    refused_now, over_now = measured("now")
    refused, over = measured("forecast")
    assert over_now > 5
    assert over < 0.6 * over_now
    assert refused_now < refused < 40


def test_a_margin_refuses_the_more_the_wider_it_is() -> None:
    narrow, wide = (run_days("mixed", 3, DAYS, 1, by_margin(share)) for share in (0.03, 0.22))
    assert narrow[0] < wide[0]
    assert narrow[1] > wide[1]
