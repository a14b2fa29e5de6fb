"""The lower half of the grid's dashboard: requests, placement, energy."""

from monitoring.grafana.charts import Axis, heatmap, lines
from monitoring.grafana.figures import bars, named_bars, stat
from monitoring.grafana.layout import WHY, Line, Section
from monitoring.grafana.panels import Json, Limits, Panel, Query, field
from monitoring.grafana.signals import ADMITTED, HERE, IMBALANCE, SECONDS

SLO_S = 0.25
BALANCED = Limits(warn=1.05, critical=1.2, lines=True)
WITHIN_S = (1, 5, 10, 30, 60, 300)


def requests() -> Section:
    """Return the panels of the requests: their outcomes and latencies."""
    rate = f'rate({SECONDS}_bucket{{kind="admitted"}}[$__rate_interval])'
    latency = lines(
        "Time to answer",
        "From a request's arrival at the gateway to its admission. The line is the promise: 99 % within "
        "250 ms. Requests that asked to wait for room are left out: their time is the grid's.",
        "s",
        *(
            Query(f"histogram_quantile({share}, sum by (le) ({rate}))", name)
            for share, name in (("0.50", "p50"), ("0.95", "p95"), ("0.99", "p99"))
        ),
        axis=Axis(1, least=0.001, log=True),
        limits=Limits(critical=SLO_S, lines=True),
    )
    spread, kept = _promise()
    waiting = lines(
        "Waiting over time",
        "Requests that wait for room. They are admitted when power is freed, or refused "
        "when their time is up.",
        "none",
        Query("sum(smartgrid_balancer_waiting_requests)", "waiting"),
        axis=Axis(10),
    )
    handled = lines(
        "Handled requests",
        "Admissions a second, by substation. Balanced, they are alike.",
        "reqps",
        Query(f"sum by (substation) (rate({ADMITTED}[$__rate_interval]))", "{{substation}}"),
        axis=Axis(1),
        links=(WHY,),
    )
    return Section(
        "Requests",
        (
            Line(8, ((8, handled), (8, _outcomes()), (8, latency))),
            Line(8, ((12, spread), (4, kept), (8, waiting))),
        ),
    )


def _outcomes() -> Panel:
    return lines(
        "Admission outcomes",
        "Requests to charge that ended, by how. `no_capacity` is a full grid; `unknown` "
        "and `withdrawn` are lost answers.",
        "reqps",
        Query(
            "sum by (outcome) (rate(smartgrid_charge_requests_total[$__rate_interval])) > 0", "{{outcome}}"
        ),
        axis=Axis(1),
        stacked=True,
        overrides=(
            field("admitted", color=_fixed("blue")),
            field("no_capacity", color=_fixed("orange")),
            field("unknown", color=_fixed("red")),
        ),
    )


def _promise() -> tuple[Panel, Panel]:
    spread = heatmap(
        "Spread of the time to answer",
        "Answers a second by how long they took. A second band has a second cause.",
        "s",
        Query(f"sum by (le) (rate({SECONDS}_bucket[$__rate_interval]))", "{{le}}", shape="heatmap"),
    )
    within = f'increase({SECONDS}_bucket{{kind="admitted",le="0.25"}}[$__range])'
    all_of_them = f'increase({SECONDS}_count{{kind="admitted"}}[$__range])'
    kept = stat(
        "Within the promise",
        "Share of the admissions in the range shown that took at most 250 ms.",
        "percentunit",
        Query(f"sum({within}) / (sum({all_of_them}) > 0)"),
        Limits(warn=0.999, critical=0.99, falling=True),
        defaults={"decimals": 2},
        empty="no admission",
    )
    return spread, kept


def _fixed(colour: str) -> Json:
    return {"mode": "fixed", "fixedColor": colour}


def placement() -> Section:
    """Return the panels that show how well the balancers place."""
    age = lines(
        "Report age",
        "Age of the newest report of each substation. Above 3 s, three polls, a substation is left out.",
        "s",
        Query(f"max by (substation) (smartgrid_balancer_report_age_seconds{HERE})", "{{substation}}"),
        axis=Axis(3.5),
        limits=Limits(warn=1.8, critical=3, lines=True),
    )
    imbalance = lines(
        "Imbalance over time",
        "Highest utilization over the mean one, of those that take cars. 1 is perfect; 1.05 the limit "
        "for a rush hour's average. Gaps: the load is below 10 % of the capacity.",
        "none",
        Query(IMBALANCE, "max / mean"),
        axis=Axis(1.25, least=1),
        limits=BALANCED,
        empty="little load",
    )
    error = lines(
        "Error of the estimate",
        "95 % of the balancer's estimates were at most so far off when a poll brought the truth.",
        "watt",
        Query(
            "histogram_quantile(0.95, sum by (le, substation) "
            f"(rate(smartgrid_balancer_estimate_error_watts_bucket{HERE}[$__rate_interval])))",
            "{{substation}}",
        ),
        axis=Axis(160_000),
        limits=Limits(warn=50_000, critical=150_000, lines=True),
    )
    return Section("Placement", (Line(8, ((8, imbalance), (8, age), (8, error))),))


def energy() -> Section:
    """Return the panels of the energy: delivered, and still to be delivered."""
    joules = f"smartgrid_substation_energy_joules_total{HERE}"
    delivered = bars(
        "Energy delivered in the range",
        "Energy that cars took from each substation, in grid time: under a "
        "time scale the grid's hours pass faster than the clock's.",
        "watth",
        Query(f"sum by (substation) (increase({joules}[$__range])) / 3600"),
    )
    freed = 'sum(smartgrid_substation_releases_watts{{substation=~"$substation",within="{}"}})'
    releases = named_bars(
        "Power that comes free within",
        "What known charging plans free within so many seconds of the clock, "
        "of the substations chosen together.",
        "watt",
        *(Query(freed.format(within_s), f"{within_s} s") for within_s in WITHIN_S),
    )
    sessions = lines(
        "Cars that charge",
        "Open sessions of each substation.",
        "none",
        Query(f"smartgrid_substation_sessions_active{HERE}", "{{substation}}"),
        axis=Axis(10),
    )
    return Section("Energy", (Line(8, ((8, delivered), (8, releases), (8, sessions))),))
