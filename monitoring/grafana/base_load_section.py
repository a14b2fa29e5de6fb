"""The panels of the base load: sessions that make way for it, and what was above the limit meanwhile."""

from monitoring.grafana.charts import Axis, lines
from monitoring.grafana.layout import TO_CONSOLE, WHY, Line, Section
from monitoring.grafana.panels import Query, field
from monitoring.grafana.signals import HERE

PAUSES = f"smartgrid_substation_pauses_total{HERE}"
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
    return Section("Base load", (Line(8, ((8, paused), (8, pauses), (8, overload))),))
