"""The panels of the base load: sessions that make way for it, what was above the limit meanwhile, and its forecasts."""

from monitoring.grafana.charts import Axis, lines
from monitoring.grafana.figures import named_bars, stat
from monitoring.grafana.layout import TO_CONSOLE, WHY, Line, Section
from monitoring.grafana.panels import NO_DATA, NO_LIMIT, NORMAL, Limits, Panel, Query, field, nothing
from monitoring.grafana.signals import HERE

PAUSES = f"smartgrid_substation_pauses_total{HERE}"
AHEAD = '{substation=~"$substation",horizon="4h"}'
OVERLOAD = f"smartgrid_substation_overload_watt_seconds_total{HERE}"


def base_load() -> Section:
    """Return the panels of the base load."""
    paused = lines(
        "Paused sessions",
        "Open sessions that get no power now, because the base load needs it. They resume, oldest first, when there is room.",
        "none",
        Query(f"smartgrid_substation_sessions_paused{HERE}", "{{substation}}"),
        axis=Axis(10),
        links=(TO_CONSOLE, WHY),
    )
    pauses = lines(
        "Pauses and resumptions",
        "Sessions that were paused, and that resumed, in the seconds before each moment, of the chosen substations together.",
        "none",
        Query(f"sum by (change) (increase({PAUSES}[$__rate_interval]))", "{{change}}"),
        axis=Axis(5),
        overrides=(
            field("paused", color={"mode": "fixed", "fixedColor": "orange"}),
            field("resumed", color={"mode": "fixed", "fixedColor": "blue"}),
        ),
    )
    overload = lines(
        "Overload by cause",
        "How far base load and cars were above the limit, summed over the chosen "
        "substations, by cause, times the time scale: overload is counted in grid time. `admission` stays 0; "
        "`derating`: the limit was lowered; `base_load`: it rose, and pauses end it within two seconds.",
        "watt",
        Query(f"sum by (cause) (rate({OVERLOAD}[$__rate_interval]))", "{{cause}}"),
        axis=Axis(10_000),
    )
    return Section(
        "Base load and forecasts",
        (
            Line(8, ((8, paused), (8, pauses), (8, overload))),
            Line(8, ((8, _errors()), (8, _coverage()), (8, _expected_peaks()))),
            Line(7, ((4, _forecasts()), (20, _shadow()))),
        ),
    )


def _forecasts() -> Panel:
    return stat(
        "Forecasts",
        "Whether enough substations have a forecast of their base load that was as good as persistence of late. "
        "If not, the policy `predictive` places by load.",
        "none",
        Query("max(smartgrid_balancer_forecasts_good)"),
        NO_LIMIT,
        defaults={"mappings": [_WORDS, nothing(NO_DATA)]},
    )


def _errors() -> Panel:
    """Return the error of the forecasts as a share of persistence's, which is what placement by them needs to be below."""
    return lines(
        "Forecast error of each",
        "Mean absolute error of the forecasts of each base load, 4 h ahead, over about half a day of grid time, as a "
        "share of the error of saying that nothing changes. Above 100 % a forecast is worse than none.",
        "percentunit",
        Query(
            f"max by (substation) (smartgrid_balancer_forecast_error_watts{AHEAD})"
            f" / max by (substation) (smartgrid_balancer_persistence_error_watts{AHEAD})",
            "{{substation}}",
        ),
        axis=Axis(1.1),
        limits=Limits(warn=1, lines=True),
    )


def _coverage() -> Panel:
    return lines(
        "Coverage of the band",
        "Share of the base loads of about two days of grid time that lay in the band of their forecasts, 4 h ahead. "
        "80 % is right: below it the upper bound is too low, and admission by forecast keeps too little room.",
        "percentunit",
        Query(
            f"max by (substation) (smartgrid_balancer_forecast_coverage_ratio{AHEAD})",
            "{{substation}}",
        ),
        axis=Axis(1),
    )


def _expected_peaks() -> Panel:
    return lines(
        "Expected peak of each",
        "Highest share of its limit that base load and the cars of now are expected to take within 2 h of grid time. Above "
        "100 %, OverloadPredicted warns.",
        "percentunit",
        Query(
            f"max by (substation) (smartgrid_substation_expected_peak_ratio{HERE})",
            "{{substation}}",
        ),
        axis=Axis(1.1),
        limits=Limits(critical=1, lines=True),
    )


def _shadow() -> Panel:
    counted = 'sum(increase(smartgrid_balancer_shadow_choices_total{{result="{}"}}[$__range]))'
    return named_bars(
        "Predictive beside another policy",
        "Choices in the range that `predictive` made beside the policy in force, or `least_loaded` beside it: how many were "
        "compared, how many differed, and whose peak was lower when the stay was over.",
        "none",
        *(Query(counted.format(result), words) for result, words in SHADOW.items()),
    )


SHADOW = {
    "compared": "compared",
    "differed": "differed",
    "predictive_lower": "predictive was lower",
    "other_lower": "the other was lower",
    "equal": "equal",
}
_WORDS = {
    "type": "value",
    "options": {
        "0": {"text": "not good", "color": NORMAL, "index": 0},
        "1": {"text": "good", "color": NORMAL, "index": 1},
    },
}
