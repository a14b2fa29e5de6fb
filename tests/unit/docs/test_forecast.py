"""The pages about the forecast show its figures, options and picture as they are."""

import json
import re

from balancer.forecast.backtest import HORIZONS
from balancer.forecast.calendar_days import COMMON_HOLIDAYS
from balancer.forecast.cli import parser
from balancer.forecast.handlers import MOST_ROWS
from balancer.forecast.history import KEPT_DAYS
from balancer.forecast.model import DECAY, FAST_SHARE, FAST_WEIGHT, SLOW_SHARE, SLOW_WEIGHT
from balancer.forecast.profile import KERNEL
from balancer.forecast.substation_models import Series
from tests.unit.docs.forecast_picture import PICTURE, drawn
from tests.unit.docs.pages import DOCS

REFERENCE = (DOCS / "reference" / "forecast.md").read_text(encoding="utf-8")
EXPLANATION = (DOCS / "explanation" / "forecast.md").read_text(encoding="utf-8")


def test_the_picture_is_what_the_model_forecasts() -> None:
    assert PICTURE.read_text(encoding="utf-8") == drawn()


def test_every_option_is_on_the_page() -> None:
    options = set()
    for command in parser({})._subparsers._group_actions[0].choices.values():  # type: ignore[union-attr]
        options |= {
            name for action in command._actions for name in action.option_strings if name.startswith("--")
        }
    assert options - {"--help"} <= set(re.findall(r"--[a-z][a-z-]+", REFERENCE))
    assert set(re.findall(r"--[a-z][a-z-]+", REFERENCE)) <= options


def test_the_limits_are_those_of_the_code() -> None:
    assert f"`{COMMON_HOLIDAYS}`" in REFERENCE
    assert f"{KEPT_DAYS} days" in REFERENCE
    assert f"1 to {MOST_ROWS}" in REFERENCE
    assert all(f"`{name}`" in REFERENCE for name in (*HORIZONS, *Series))


def test_the_formula_is_that_of_the_code() -> None:
    formula = f"forecast(t + h) = smoothed P(t + h) + {FAST_SHARE} * {DECAY}^h * e_f + {SLOW_SHARE} * (1 - {DECAY}^h) * e_s"
    assert formula in EXPLANATION
    assert f"weight {FAST_WEIGHT}:" in EXPLANATION
    assert f"weight 1/{round(1 / SLOW_WEIGHT)}:" in EXPLANATION
    assert json.dumps(KERNEL)[1:-1] in EXPLANATION
