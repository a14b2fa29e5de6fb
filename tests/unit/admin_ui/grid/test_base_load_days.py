"""The base load by the quarter hour, as browsers get it."""

from admin_ui.grid.base_load_days import hours_json


def test_watts_become_kw_and_a_missing_base_load_stays_missing() -> None:
    when = {"slot": 72, "weekday": "Monday", "time": "18:00"}
    measured = [
        when | {"base_load_w": 812_345.6, "cars_load_w": 5.0},
        when | {"slot": 73, "base_load_w": None},
        when | {"slot": 74, "base_load_w": 0.0},
    ]
    expected = [when | {"mean": 812_000.0, "p10": 700_000.4, "p90": 900_000.6}]
    assert hours_json(measured, expected) == {
        "measured": [when | {"kw": 812.346}, when | {"slot": 74, "kw": 0.0}],
        "expected": [when | {"mean_kw": 812.0, "p10_kw": 700.0, "p90_kw": 900.001}],
    }
