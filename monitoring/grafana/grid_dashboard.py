"""The grid at a glance: load against limits, the test window, admissions, placement. Writes dashboard.json."""

from monitoring.grafana.base_load_section import base_load
from monitoring.grafana.charts import Axis, lines, with_figures
from monitoring.grafana.figures import bars, gauge, stat, table
from monitoring.grafana.grid_sections import energy, placement, requests
from monitoring.grafana.grid_state import alerts, states
from monitoring.grafana.layout import ROW_TO_CONSOLE, TO_CONSOLE, WHY, Line, Section, Variable, dashboard
from monitoring.grafana.panels import CRITICAL, LINE, Json, Limits, Panel, Query, field, fields
from monitoring.grafana.signals import (
    BASE_LOAD,
    CAPACITY,
    CARRIED,
    DRAINED,
    DRAW,
    HANDLED_IN_RANGE,
    HANDLED_IN_WINDOW,
    HEADROOM,
    IMBALANCE,
    LOAD,
    OPEN,
    TO_LIMIT,
    USE,
    UTILIZATION,
    in_window,
    nearest,
    with_base_load,
)

UID = "smartgrid"
NEAR_LIMIT = Limits(warn=0.9, critical=1.0)
LONGEST_TO_LIMIT_S = 300
NO_RUSH_HOUR = "no rush hour"
SUBSTATION = Variable(
    "substation",
    "Substation",
    "Which substations are shown",
    "label_values(smartgrid_substation_capacity_watts, substation)",
)


def build() -> Json:
    """Return the dashboard."""
    about = (
        "Real-time load of every substation against its limit, the rush hour's average and peak, and what "
        "became of the requests. Grey is normal; colour means that something is not."
    )
    sections = (_now(), _load(), base_load(), _window(), requests(), placement(), energy())
    return dashboard(UID, "Smart grid", about, (SUBSTATION,), sections)


def _now() -> Section:
    return Section(
        "Now",
        (
            Line(4, tuple((4, figure) for figure in _leading_figures())),
            Line(6, ((14, states()), (10, alerts()))),
        ),
    )


def _leading_figures() -> tuple[Panel, ...]:
    return (
        gauge(
            "Utilization",
            "Cars and base load over capacity of the chosen substations that take cars, together.",
            "percentunit",
            Query(
                f"sum({CARRIED} unless on(substation) {DRAINED}) / sum({CAPACITY} unless on(substation) {DRAINED})"
            ),
            NEAR_LIMIT,
            empty="none takes cars",
        ),
        stat(
            "Headroom",
            "Power that is open to new cars at the chosen substations together; 0 for one that takes no "
            "cars. Below 110 kW the next ten typical cars don't fit.",
            "watt",
            Query(f"sum({OPEN})"),
            Limits(warn=330_000, critical=110_000, falling=True),
        ),
        stat(
            "Time to limit",
            "The soonest that a substation meets its limit, if its load goes on rising as it "
            "did in the last 30 seconds.",
            "s",
            Query(f"min({TO_LIMIT})"),
            Limits(warn=60, critical=15, falling=True),
            empty="not rising",
        ),
        *_quality_figures(),
    )


def _quality_figures() -> tuple[Panel, ...]:
    return (
        stat(
            "Imbalance",
            "Highest utilization over the mean one, of those that take cars. 1 is perfect; a rush hour must keep "
            "its average at or below 1.05. Not shown below 10 % of the capacity: a single car would make it high.",
            "none",
            Query(IMBALANCE),
            Limits(warn=1.05, critical=1.2),
            defaults={"decimals": 3},
            empty="little load",
        ),
        stat(
            "Waiting requests",
            "Requests that wait for room now, at all balancers.",
            "none",
            Query("sum(smartgrid_balancer_waiting_requests)"),
            Limits(warn=1, critical=50),
        ),
        stat(
            "Admission overload",
            "Watt-seconds above capacity that admissions caused, since the journals "
            "were made. It stays 0: anything else is a fault of this system.",
            "none",
            Query(
                'sum(smartgrid_substation_overload_watt_seconds_total{cause="admission",substation=~"$substation"})'
            ),
            Limits(critical=1),
        ),
    )


OVER = {"color": {"mode": "fixed", "fixedColor": CRITICAL}, "custom__lineWidth": 4}


def _load() -> Section:
    utilization = lines(
        "Utilization of each",
        "Cars and base load over capacity. Above 100 %, in red, only while an operator lowered the capacity "
        "below them, or the base load has risen and sessions are being paused.",
        "percentunit",
        Query(UTILIZATION, "{{substation}}"),
        Query(f"{UTILIZATION} > 1", "{{substation}} above"),
        axis=Axis(1.1),
        limits=Limits(warn=0.9, critical=1.0, lines=True),
        links=(TO_CONSOLE, WHY),
        overrides=(fields(".* above", **OVER),),
    )
    headroom = lines(
        "Headroom of each",
        "Capacity minus base load, cars, and what paused sessions need; negative while they are above it.",
        "watt",
        Query(HEADROOM, "{{substation}}"),
        axis=Axis(100_000, least=-50_000),
        limits=Limits(critical=0, falling=True, lines=True),
        links=(TO_CONSOLE,),
    )
    to_limit = lines(
        "Time to limit of each",
        "How long until the load meets the limit, if it goes on rising as it did in "
        "the last 30 seconds. Gaps: it does not rise, or it takes longer than five minutes.",
        "s",
        Query(f"{TO_LIMIT} <= {LONGEST_TO_LIMIT_S}", "{{substation}}"),
        axis=Axis(LONGEST_TO_LIMIT_S, fixed=True),
        empty="no load rises",
        limits=Limits(warn=60, critical=15, falling=True, lines=True),
        links=(TO_CONSOLE,),
    )
    return Section(
        "Load",
        (
            Line(10, ((24, with_figures(_load_under_its_limit())),)),
            Line(8, ((8, utilization), (8, headroom), (8, to_limit))),
        ),
    )


def _load_under_its_limit() -> Panel:
    return lines(
        "Load of $substation",
        "What cars reserve, on top of the base load, against the limit, which is grey; load above the limit is red. Cars "
        "draw at most what they reserve, and less while they taper.",
        "watt",
        Query(CARRIED, "load"),
        Query(CAPACITY, "limit"),
        Query(with_base_load(DRAW), "draw"),
        Query(f"{CARRIED} > {CAPACITY}", "above the limit"),
        Query(BASE_LOAD, "base load"),
        axis=Axis(100_000),
        links=(TO_CONSOLE, WHY),
        repeat="substation",
        overrides=(
            field("load", color={"mode": "fixed", "fixedColor": "blue"}, custom__fillOpacity=20),
            field(
                "limit",
                color={"mode": "fixed", "fixedColor": LINE},
                custom__lineStyle={"fill": "dash", "dash": [10, 6]},
                custom__lineInterpolation="stepAfter",
            ),
            field("draw", color={"mode": "fixed", "fixedColor": "light-blue"}, custom__lineWidth=1),
            field("above the limit", **OVER),
            field(
                "base load",
                color={"mode": "fixed", "fixedColor": "purple"},
                custom__lineWidth=1,
                custom__fillOpacity=30,
            ),
        ),
    )


def _window() -> Section:
    expressions = {
        "average load": f"avg_over_time({in_window(nearest(LOAD))})",
        "peak load": f"max_over_time({in_window(nearest(LOAD))})",
        "limit": f"max_over_time({in_window(nearest(CAPACITY))}) or max_over_time({CAPACITY}[$__range])",
        "average use": f"avg_over_time({in_window(USE)})",
        "peak use": f"max_over_time({in_window(USE)})",
        "handled": HANDLED_IN_WINDOW,
    }
    # The columns are joined on what they share, which must be the substation alone.
    columns = {name: Query(f"max by (substation) ({expr})") for name, expr in expressions.items()}
    shown = {"unit": "percentunit", "thresholds": {"mode": "absolute", "steps": NEAR_LIMIT.steps()}}
    coloured = {**shown, "custom__displayMode": "color-text"}
    window = table(
        "Test window: average and peak load",
        "Over the seconds of a rush hour in the range shown; choose a range that contains one. Loads are those of cars, use counts the base load too. For a run of a minute, "
        "averages are within 1 % of its report; peaks between two scrapes are missed. Handled requests are exact, "
        "counted until 3 s after the rush hour.",
        "watt",
        columns,
        by=("substation",),
        overrides=(
            field("average use", **coloured),
            field("peak use", **coloured),
            field("handled", unit="none"),
        ),
        links=(ROW_TO_CONSOLE,),
        empty=NO_RUSH_HOUR,
    )
    handled = bars(
        "Handled in the range",
        "Admissions of each substation in the range shown, counted exactly.",
        "none",
        Query(HANDLED_IN_RANGE),
    )
    return Section("Test window", (Line(8, ((14, window), (4, _window_imbalance()), (6, handled))),))


def _window_imbalance() -> Panel:
    mean_use = f"max by (substation) (avg_over_time({in_window(USE)}))"
    return stat(
        "Window imbalance",
        "Highest average utilization over the mean one, in the seconds of a rush hour. At most 1.05 passes.",
        "none",
        Query(f"max({mean_use}) / avg({mean_use})"),
        Limits(warn=1.05, critical=1.2),
        defaults={"decimals": 4},
        empty=NO_RUSH_HOUR,
    )
