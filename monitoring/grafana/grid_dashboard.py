"""The grid at a glance: load against limits, the test window, admissions, placement. Writes dashboard.json."""

from monitoring.grafana.grid_sections import energy, placement, requests
from monitoring.grafana.layout import ROW_TO_CONSOLE, TO_CONSOLE, WHY, Line, Section, Variable, dashboard
from monitoring.grafana.panels import (
    NO_LIMIT,
    Json,
    Limits,
    Query,
    bars,
    field,
    gauge,
    lines,
    stat,
    table,
)
from monitoring.grafana.signals import (
    ADMITTED,
    CAPACITY,
    HANDLED,
    HEADROOM,
    HERE,
    IMBALANCE,
    LOAD,
    TO_LIMIT,
    UTILIZATION,
    in_window,
)

UID = "smartgrid"
NEAR_LIMIT = Limits(warn=0.9, critical=1.0)
SUBSTATION = Variable(
    "substation", "Substation", "Which substations are shown",
    "label_values(smartgrid_substation_capacity_watts, substation)",
)  # fmt: skip


def made() -> Json:
    """Return the dashboard."""
    about = (
        "Real-time load of every substation against its limit, the rush hour's average and peak, and what "
        "became of the requests. Grey is normal; colour means that something is not."
    )
    sections = (_now(), _load(), _window(), requests(), placement(), energy())
    return dashboard(UID, "Smart grid", about, (SUBSTATION,), sections)


def _now() -> Section:
    figures = (
        gauge(
            "Utilization", "Load over capacity, of the substations chosen together.", "percentunit",
            Query(f"sum({LOAD}) / sum({CAPACITY})"), NEAR_LIMIT, 1.1,
        ),
        stat(
            "Headroom", "Capacity minus load, of the substations chosen together. "
            "Below 110 kW the next ten typical cars don't fit.", "watt",
            Query(f"sum({HEADROOM})"), Limits(warn=110_000, critical=0, falling=True),
        ),
        stat(
            "Time to limit", "The soonest that a substation meets its limit, if its load goes on rising as it "
            "did in the last 30 seconds. Nothing is shown while no load rises.", "s",
            Query(f"min({TO_LIMIT})"), Limits(warn=60, critical=15, falling=True),
            defaults={"noValue": "not rising"},
        ),
        stat(
            "Imbalance", "Highest utilization over the mean one, of those that take cars. 1 is perfect; a rush hour must keep "
            "its average at or below 1.05.", "none",
            Query(IMBALANCE), Limits(warn=1.05, critical=1.2), defaults={"decimals": 3},
        ),
        stat(
            "Waiting requests", "Requests that wait for room now, at all balancers.", "none",
            Query("sum(smartgrid_balancer_waiting_requests)"), Limits(warn=1, critical=50),
        ),
        stat(
            "Overload by admission", "Watt-seconds above capacity that admissions caused, since the journals "
            "were made. It stays 0: anything else is a fault of this system.", "none",
            Query('sum(smartgrid_substation_overload_watt_seconds_total{cause="admission",substation=~"$substation"})'),
            Limits(critical=1),
        ),
    )  # fmt: skip
    return Section("Now", (Line(6, tuple((4, figure) for figure in figures)),))


def _load() -> Section:
    load = lines(
        "Load of $substation",
        "Reserved power against the limit. The cars draw at most what is reserved, and less while they taper.",
        "watt",
        Query(LOAD, "load"), Query(CAPACITY, "limit"),
        Query(f"smartgrid_substation_draw_watts{HERE}", "draw"),
        limits=NO_LIMIT, links=(TO_CONSOLE, WHY), repeat="substation",
        overrides=(
            field("load", color={"mode": "fixed", "fixedColor": "blue"}, custom__fillOpacity=20),
            field(
                "limit", color={"mode": "fixed", "fixedColor": "red"},
                custom__lineStyle={"fill": "dash", "dash": [10, 6]}, custom__lineInterpolation="stepAfter",
            ),
            field("draw", color={"mode": "fixed", "fixedColor": "text"}, custom__lineWidth=1),
        ),
    )  # fmt: skip
    utilization = lines(
        "Utilization of each", "Load over capacity. Above 1 only while an operator lowered the capacity below "
        "the load.", "percentunit", Query(UTILIZATION, "{{substation}}"),
        limits=Limits(warn=0.9, critical=1.0, lines=True), links=(TO_CONSOLE, WHY),
    )  # fmt: skip
    headroom = lines(
        "Headroom of each", "Capacity minus load; negative while the capacity was lowered below the load.",
        "watt", Query(HEADROOM, "{{substation}}"),
        limits=Limits(critical=0, falling=True, lines=True), least=None, links=(TO_CONSOLE,),
    )  # fmt: skip
    to_limit = lines(
        "Time to limit of each", "How long until the load meets the limit, if it goes on rising as it did in "
        "the last 30 seconds. Gaps: it does not rise.", "s", Query(TO_LIMIT, "{{substation}}"),
        limits=Limits(warn=60, critical=15, falling=True, lines=True), links=(TO_CONSOLE,),
    )  # fmt: skip
    return Section(
        "Load", (Line(9, ((24, load),)), Line(8, ((8, utilization), (8, headroom), (8, to_limit))))
    )


def _window() -> Section:
    expressions = {
        "average load": f"avg_over_time({in_window(LOAD)})",
        "peak load": f"max_over_time({in_window(LOAD)})",
        "limit": f"max_over_time({in_window(CAPACITY)})",
        "average use": f"avg_over_time({in_window(UTILIZATION)})",
        "peak use": f"max_over_time({in_window(UTILIZATION)})",
        "handled": HANDLED,
    }
    # The columns are joined on what they share, which must be the substation alone.
    columns = {name: Query(f"max by (substation) ({expr})") for name, expr in expressions.items()}
    shown = {"unit": "percentunit", "thresholds": {"mode": "absolute", "steps": NEAR_LIMIT.steps()}}
    coloured = {**shown, "custom__displayMode": "color-text"}
    window = table(
        "Test window: average and peak load, handled requests",
        "Only the seconds of the range shown in which a rush hour went on; choose a range that holds one. "
        "As exact as the scrape is fine, 1 s; what is handled is counted to 3 s around it. The rush hour's own "
        "report has the exact counts.",
        "watt", columns, by="substation",
        overrides=(
            field("average use", **coloured), field("peak use", **coloured), field("handled", unit="none"),
        ),
        defaults={"noValue": "no rush hour in this range"},
        links=(ROW_TO_CONSOLE,),
    )  # fmt: skip
    imbalance = stat(
        "Test window: imbalance", "Highest average utilization over the mean one, in the seconds of a rush "
        "hour. At most 1.05 passes.", "none",
        Query(
            f"max(avg_over_time({in_window(UTILIZATION)})) / avg(avg_over_time({in_window(UTILIZATION)}))",
            instant=True,
        ),
        Limits(warn=1.05, critical=1.2), defaults={"decimals": 4, "noValue": "no rush hour in this range"},
    )  # fmt: skip
    handled = bars(
        "Handled requests in the range", "Admissions of each substation in the range shown, extrapolated to "
        "its edges: a few off where they came fast.", "none",
        Query(f"sum by (substation) (increase({ADMITTED}[$__range]))", "{{substation}}", instant=True),
    )  # fmt: skip
    return Section("Test window", (Line(8, ((12, window), (4, imbalance), (8, handled))),))
