"""The grid at a glance: load against limits, the test window, admissions, placement. Writes dashboard.json."""

from monitoring.grafana.layout import RUSH_HOUR, Line, Section, Variable, dashboard
from monitoring.grafana.panels import (
    NO_LIMIT,
    Json,
    Limits,
    Panel,
    Query,
    bars,
    field,
    gauge,
    heatmap,
    lines,
    link,
    stat,
    table,
    timeline,
)

UID = "smartgrid"
HERE = '{substation=~"$substation"}'
LOAD = f"smartgrid_substation_load_watts{HERE}"
CAPACITY = f"smartgrid_substation_capacity_watts{HERE}"
HEADROOM = f"smartgrid_substation_headroom_watts{HERE}"
ADMITTED = 'smartgrid_substation_sessions_total{substation=~"$substation",outcome="admitted"}'
SECONDS = "smartgrid_charge_request_duration_seconds"
UTILIZATION = f"{LOAD} / on(substation) {CAPACITY}"
IMBALANCE = f"max({UTILIZATION}) / (avg({UTILIZATION}) > 0)"
# How long until the load meets the limit, if it goes on rising as it did: only while it rises.
TO_LIMIT = f"{HEADROOM} / on(substation) (deriv({LOAD}[15s]) > 0)"
SLO_S = 0.25
BALANCED = Limits(warn=1.05, critical=1.2, lines=True)
NEAR_LIMIT = Limits(warn=0.9, critical=1.0)
SUBSTATION = Variable(
    "substation", "Substation", "Which substations are shown",
    "label_values(smartgrid_substation_capacity_watts, substation)",
)  # fmt: skip
TO_CONSOLE = link("Show in the console", "${console}/#${__field.labels.substation}")
WHY = link("Why cars were sent here", "${console}/decisions?substation=${__field.labels.substation}")
STATES = {
    1: ("healthy", "text"), 2: ("unseen", "blue"), 3: ("probing", "yellow"), 4: ("suspect", "orange"),
    5: ("ejected", "red"), 6: ("conflict", "purple"), 7: ("gone", "dark-red"),
}  # fmt: skip
DRAINING = 8


def in_window(expr: str) -> str:
    """Return a subquery of what `expr` was, each second, while a rush hour went on in the range shown."""
    return f"({expr} and on() ({RUSH_HOUR}))[$__range:1s]"


def made() -> Json:
    """Return the dashboard."""
    about = (
        "Real-time load of every substation against its limit, the rush hour's average and peak, and what "
        "became of the requests. Grey is normal; colour means that something is not."
    )
    sections = (_now(), _load(), _window(), _requests(), _placement(), _energy())
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
            "did in the last 15 seconds. Nothing is shown while no load rises.", "s",
            Query(f"min({TO_LIMIT})"), Limits(warn=60, critical=15, falling=True),
            defaults={"noValue": "not rising"},
        ),
        stat(
            "Imbalance", "Highest utilization over the mean one. 1 is perfect balance; a rush hour must keep "
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
        "the last 15 seconds. Gaps: it does not rise.", "s", Query(TO_LIMIT, "{{substation}}"),
        limits=Limits(warn=60, critical=15, falling=True, lines=True), links=(TO_CONSOLE,),
    )  # fmt: skip
    return Section(
        "Load", (Line(9, ((24, load),)), Line(8, ((8, utilization), (8, headroom), (8, to_limit))))
    )


def _window() -> Section:
    handled_between = f"max_over_time({in_window(ADMITTED)}) - min_over_time({in_window(ADMITTED)})"
    expressions = {
        "average load": f"avg_over_time({in_window(LOAD)})",
        "peak load": f"max_over_time({in_window(LOAD)})",
        "limit": f"max_over_time({in_window(CAPACITY)})",
        "average use": f"avg_over_time({in_window(UTILIZATION)})",
        "peak use": f"max_over_time({in_window(UTILIZATION)})",
        "handled": handled_between,
    }
    # The columns are joined on what they share, which must be the substation alone.
    columns = {name: Query(f"max by (substation) ({expr})") for name, expr in expressions.items()}
    shown = {"unit": "percentunit", "thresholds": {"mode": "absolute", "steps": NEAR_LIMIT.steps()}}
    coloured = {**shown, "custom__displayMode": "color-text"}
    window = table(
        "Test window: average and peak load, handled requests",
        "Only the seconds of the range shown in which a rush hour went on; choose a range that holds one. "
        "As exact as the scrape is fine, 1 s: the rush hour's own report has the exact counts.",
        "watt", columns, by="substation",
        overrides=(
            field("average use", **coloured), field("peak use", **coloured), field("handled", unit="none"),
        ),
        defaults={"noValue": "no rush hour in this range"},
        links=(WHY,),
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


def _requests() -> Section:
    rate = f'rate({SECONDS}_bucket{{kind="admitted"}}[$__rate_interval])'
    outcomes = lines(
        "Admission outcomes", "Requests to charge that ended, by how. `no_capacity` is a full grid; `unknown` "
        "and `withdrawn` are lost answers.", "reqps",
        Query("sum by (outcome) (rate(smartgrid_charge_requests_total[$__rate_interval])) > 0", "{{outcome}}"),
        limits=NO_LIMIT, stacked=True,
        overrides=(
            field("admitted", color=_fixed("blue")), field("no_capacity", color=_fixed("orange")),
            field("unknown", color=_fixed("red")),
        ),
    )  # fmt: skip
    latency = lines(
        "Time to answer", "From a request's arrival at the gateway to its admission. The line is the promise: 99 % within "
        "250 ms. Requests that asked to wait for room are left out: their time is the grid's.", "s",
        *(
            Query(f"histogram_quantile({share}, sum by (le) ({rate}))", name)
            for share, name in (("0.50", "p50"), ("0.95", "p95"), ("0.99", "p99"))
        ),
        limits=Limits(critical=SLO_S, lines=True),
    )  # fmt: skip
    spread = heatmap(
        "Spread of the time to answer", "How many answers took how long. A second band is a second cause.",
        "s",
        Query(f"sum by (le) (increase({SECONDS}_bucket[$__rate_interval]))", "{{le}}", shape="heatmap"),
    )  # fmt: skip
    within = f'increase({SECONDS}_bucket{{kind="admitted",le="0.25"}}[$__range])'
    all_of_them = f'increase({SECONDS}_count{{kind="admitted"}}[$__range])'
    kept = stat(
        "Answers within the promise", "Share of the admissions in the range shown that took at most 250 ms.",
        "percentunit",
        Query(f"sum({within}) / (sum({all_of_them}) > 0)", instant=True),
        Limits(warn=0.999, critical=0.99, falling=True), defaults={"decimals": 2},
    )  # fmt: skip
    waiting = lines(
        "Waiting requests", "Requests that wait for room. They are answered when some is freed, or refused "
        "when their time is up.", "none", Query("sum(smartgrid_balancer_waiting_requests)", "waiting"),
        limits=Limits(warn=1, critical=50),
    )  # fmt: skip
    handled = lines(
        "Handled requests", "Admissions a second, by substation. Balanced, they are alike.", "reqps",
        Query(f"sum by (substation) (rate({ADMITTED}[$__rate_interval]))", "{{substation}}"),
        limits=NO_LIMIT, links=(WHY,),
    )  # fmt: skip
    return Section("Requests", (
        Line(8, ((8, handled), (8, outcomes), (8, latency))),
        Line(8, ((12, spread), (4, kept), (8, waiting))),
    ))  # fmt: skip


def _fixed(colour: str) -> Json:
    return {"mode": "fixed", "fixedColor": colour}


def _placement() -> Section:
    states = " or ".join(
        f'{value} * (smartgrid_balancer_substation_state{{substation=~"$substation",state="{word}"}} == 1)'
        for value, (word, _) in STATES.items()
    )
    state = timeline(
        "State of each substation", "What the balancers think of each; where they differ, the worst. "
        "A band `takes` is there while a substation takes no new cars.",
        Query(f"max by (substation) ({states})", "{{substation}}"),
        Query(f"{DRAINING} * (smartgrid_substation_draining{HERE} == 1)", "{{substation}} takes"),
        states=STATES | {DRAINING: ("no new cars", "orange")}, links=(TO_CONSOLE,),
    )  # fmt: skip
    age = lines(
        "Report age", "Age of the newest report of each substation. Above 3 s, three polls, a substation is "
        "left out.", "s",
        Query(f"max by (substation) (smartgrid_balancer_report_age_seconds{HERE})", "{{substation}}"),
        limits=Limits(warn=1.8, critical=3, lines=True),
    )  # fmt: skip
    imbalance = lines(
        "Imbalance", "Highest utilization over the mean one. 1 is perfect; 1.05 the limit for a rush hour's "
        "average. With few cars it is naturally high.", "none", Query(IMBALANCE, "max / mean"),
        limits=BALANCED, least=1,
    )  # fmt: skip
    error = lines(
        "Error of the estimate", "95 % of the balancer's estimates were at most so far off when a poll brought "
        "the truth.", "watt",
        Query(
            "histogram_quantile(0.95, sum by (le, substation) "
            f"(rate(smartgrid_balancer_estimate_error_watts_bucket{HERE}[$__rate_interval])))",
            "{{substation}}",
        ),
        limits=Limits(warn=50_000, critical=150_000, lines=True),
    )  # fmt: skip
    return Section("Placement", (
        Line(7, ((16, state), (8, alerts()))),
        Line(8, ((8, imbalance), (8, age), (8, error))),
    ))  # fmt: skip


def alerts() -> Panel:
    """Return the list of alerts that fire or are about to, Grafana's own and Prometheus's."""
    options: Json = {
        "alertInstanceLabelFilter": "", "alertName": "", "dashboardAlerts": False, "groupBy": [],
        "groupMode": "default", "maxItems": 20, "sortOrder": 3, "viewMode": "list",
        "stateFilter": {"firing": True, "pending": True, "error": True, "noData": False, "normal": False},
    }  # fmt: skip
    about = "Alerts that fire or are about to: Prometheus's, and Grafana's own of overload."
    return Panel("alertlist", "Alerts", about, "none", (), options=options)


def _energy() -> Section:
    joules = f"smartgrid_substation_energy_joules_total{HERE}"
    delivered = bars(
        "Energy delivered in the range", "Energy that cars took from each substation, in grid time: under a "
        "time scale the grid's hours pass faster than the clock's.", "watth",
        Query(f"sum by (substation) (increase({joules}[$__range])) / 3600", "{{substation}}", instant=True),
    )  # fmt: skip
    releases = bars(
        "Power that comes free within", "What known charging plans free within so many seconds of the clock, "
        "of the substations chosen together.", "watt",
        Query(
            'sum by (within) (smartgrid_substation_releases_watts{substation=~"$substation",within=~"1|5|10|30|60|300"})',
            "{{within}} s", instant=True,
        ),
    )  # fmt: skip
    sessions = lines(
        "Cars that charge", "Open sessions of each substation.", "none",
        Query(f"smartgrid_substation_sessions_active{HERE}", "{{substation}}"), limits=NO_LIMIT,
    )  # fmt: skip
    return Section("Energy", (Line(8, ((8, delivered), (8, releases), (8, sessions))),))
