"""What the grid's dashboard asks about, in PromQL: each of the substations that were chosen."""

from monitoring.grafana.layout import RUSH_HOUR

HERE = '{substation=~"$substation"}'
LOAD = f"smartgrid_substation_load_watts{HERE}"
CAPACITY = f"smartgrid_substation_capacity_watts{HERE}"
HEADROOM = f"smartgrid_substation_headroom_watts{HERE}"
ADMITTED = 'smartgrid_substation_sessions_total{substation=~"$substation",outcome="admitted"}'
SECONDS = "smartgrid_charge_request_duration_seconds"
# Recorded, so that alerts and dashboards mean the same: monitoring/prometheus/rules/recording.yml.
UTILIZATION = f"substation:smartgrid_utilization:ratio{HERE}"
TO_LIMIT = f"substation:smartgrid_time_to_limit:seconds{HERE}"
IMBALANCE = "fleet:smartgrid_imbalance:max_over_mean"
# A scrape sees a rush hour begin up to a second late, and of another service a second apart: what is
# counted is taken from so long before to so long after.
EDGE_S = 3
JUST_WAS = f"max(smartgrid_rushhour_active offset {EDGE_S}s) == 1"


def in_window(expr: str) -> str:
    """Return a subquery of what `expr` was, each second, while a rush hour went on in the range shown."""
    return f"({expr} and on() ({RUSH_HOUR}))[$__range:1s]"


_BEFORE = f"({ADMITTED} offset {EDGE_S}s and on() ({RUSH_HOUR}))[$__range:1s]"
_AFTER = f"({ADMITTED} and on() ({JUST_WAS}))[$__range:1s]"
HANDLED = f"max_over_time({_AFTER}) - min_over_time({_BEFORE})"  # exact, unless a substation started again
