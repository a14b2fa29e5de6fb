"""The highest base load that is expected within two hours."""

from typing import Any

from admin_ui.grid.forecast_watch import peak_of
from admin_ui.grid.view import ExpectedPeak


def step(slot: int, mean: float) -> dict[str, Any]:
    return {"slot": slot, "weekday": "Monday", "time": f"18:{slot:02}", "mean": mean, "p10": 0.0, "p90": 9e9}


def test_the_peak_is_the_highest_of_the_next_eight_quarter_hours() -> None:
    steps = [step(slot, 1000.0 * slot) for slot in (1, 2, 9, 3, 4, 5, 6, 7, 30)]
    assert peak_of({"base_load_w": steps}) == ExpectedPeak(9.0, "Monday 18:09")


def test_without_a_forecast_no_peak_is_expected() -> None:
    assert peak_of({"base_load_w": []}) is peak_of({"detail": "not found"}) is None
