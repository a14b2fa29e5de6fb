"""The PromQL expressions of the grid's dashboard, each for the substations that were chosen."""

from monitoring.grafana.layout import RUSH_HOUR

HERE = '{substation=~"$substation"}'
LOAD = f"smartgrid_substation_load_watts{HERE}"
BASE_LOAD = f"smartgrid_substation_base_load_watts{HERE}"
DRAW = f"smartgrid_substation_draw_watts{HERE}"
CAPACITY = f"smartgrid_substation_capacity_watts{HERE}"
HEADROOM = f"smartgrid_substation_headroom_watts{HERE}"
DRAINED = f"smartgrid_substation_draining{HERE} == 1"
ADMITTED = 'smartgrid_substation_sessions_total{substation=~"$substation",outcome="admitted"}'
SECONDS = "smartgrid_charge_request_duration_seconds"
# Recorded, so that alerts and dashboards mean the same: monitoring/prometheus/rules/recording.yml.
UTILIZATION = f"substation:smartgrid_utilization:ratio{HERE}"
TO_LIMIT = f"substation:smartgrid_time_to_limit:seconds{HERE}"
OPEN = f"substation:smartgrid_open:watts{HERE}"
# With few cars, highest over mean says nothing: one car alone makes 1.5.
IMBALANCE = "fleet:smartgrid_imbalance:max_over_mean and on() fleet:smartgrid_utilization:ratio > 0.1"

# The window of a rush hour, over which its report measures. The flag of the lease lasts longer than the window, and is up to
# a scrape late at both ends, which changes the average of a minute of rising load by 1 to 3 %. So each moment is evaluated
# a little later, when the run has certainly sent its window, and its load is that of the nearest scrape.
TOLD_S = 5  # a renewal of the lease, every 2 s, and a scrape
STEP = "250ms"
_TOLD = "smartgrid_rushhour_window_{}_timestamp_seconds offset -" + f"{TOLD_S}s"
IN_RUSH_HOUR = f"max({_TOLD.format('start')}) <= time() and min({_TOLD.format('end')}) > time()"
# Admissions are counted from a second before the flag is seen to three after it, when the last ones have been scraped.
EDGE_S = 3
NEAR_RUSH_HOUR = " or ".join(f"{RUSH_HOUR.format(at=at)}" for at in (" offset -1s", "", f" offset {EDGE_S}s"))


def with_base_load(cars: str, base_load: str = BASE_LOAD) -> str:
    """Return the sum of a power of cars and the base load; a substation of an earlier version reports no base load."""
    return f"({cars} + {base_load} or {cars})"


CARRIED = with_base_load(LOAD)  # what the limit is for


def in_window(nearest: str) -> str:
    """Return a subquery of an expression at the moments of a rush hour in the range shown.

    The expression is made of series that are `nearest`.
    """
    return f"({nearest} and on() ({IN_RUSH_HOUR}))[$__range:{STEP}]"


def nearest(series: str) -> str:
    """Return a series as it was at the scrape that is nearest to the moment of evaluation."""
    return f"{series} offset -500ms"


USE = f"{with_base_load(nearest(LOAD), nearest(BASE_LOAD))} / {nearest(CAPACITY)}"


# What was admitted since the second before. `increase` extrapolates; this counts exactly, and a counter that
# begins anew, as after a restart, from 0.
_NOW = f"max by (substation) ({ADMITTED})"
_BEFORE = f"max by (substation) (last_over_time({ADMITTED}[1m] offset 1s))"
ADMITTED_IN_A_SECOND = f"sum by (substation) ({_NOW} - {_BEFORE} >= 0 or {_NOW} and {_BEFORE} > {_NOW})"
HANDLED_IN_RANGE = f"sum_over_time({ADMITTED_IN_A_SECOND}[$__range:1s])"
HANDLED_IN_WINDOW = f"sum_over_time(({ADMITTED_IN_A_SECOND} and on() ({NEAR_RUSH_HOUR}))[$__range:1s])"
