"""The metrics of the history."""

from prometheus_client import CollectorRegistry, Gauge


class ForecastMetrics:
    """Gauges that tell what the history lacks."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.put_aside = Gauge(
            "smartgrid_balancer_history_put_aside",
            "1: the history was damaged at this start and was put aside; forecasts began anew",
            registry=registry,
        )
        self.unfilled = Gauge(
            "smartgrid_balancer_history_unfilled_substations",
            "Substations whose past was not read yet from the Prometheus of HISTORY",
            registry=registry,
        )
