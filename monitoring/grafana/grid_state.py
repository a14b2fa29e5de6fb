"""Panels of what is wrong now: the state of each substation, and the alerts."""

from monitoring.grafana.charts import timeline
from monitoring.grafana.layout import TO_CONSOLE
from monitoring.grafana.panels import Json, Panel, Query
from monitoring.grafana.signals import DRAINED

# From best to worst: a substation is shown in the worst state that a balancer or it itself reports.
STATES = {
    1: ("healthy", "text"),
    2: ("takes no cars", "blue"),
    3: ("unseen", "light-blue"),
    4: ("probing", "yellow"),
    5: ("suspect", "orange"),
    6: ("ejected", "red"),
    7: ("conflict", "purple"),
    8: ("gone", "dark-red"),
}
TAKES_NO_CARS = 2


def states() -> Panel:
    """Return a band for each substation, in the worst state that a balancer or it itself reports."""
    terms = [
        f'{value} * (smartgrid_balancer_substation_state{{substation=~"$substation",state="{word}"}} == 1)'
        for value, (word, _) in STATES.items()
        if value != TAKES_NO_CARS
    ]
    terms.append(f"{TAKES_NO_CARS} * ({DRAINED})")
    return timeline(
        "State of each substation",
        "The state as the balancers see it; where they differ, the worst. "
        "`takes no cars`: healthy, but drained, or its journal can't be written.",
        Query(f"max by (substation) ({' or '.join(terms)})", "{{substation}}"),
        states=STATES,
        links=(TO_CONSOLE,),
    )


def alerts() -> Panel:
    """Return the list of Prometheus's alerts that fire or are about to; Grafana has none of its own.

    Alerts of severity `none` are left out: one always fires, the other fires in every rush hour.
    """
    options: Json = {
        "alertInstanceLabelFilter": '{severity=~"critical|warning"}',
        "alertName": "",
        "dashboardAlerts": False,
        "groupBy": [],
        "groupMode": "default",
        "maxItems": 20,
        "sortOrder": 3,
        "stateFilter": {"firing": True, "pending": True, "error": True, "noData": False, "normal": False},
        "viewMode": "list",
    }
    about = "Alerts of Prometheus that are firing or pending. The page of a rule links to its runbook."
    return Panel("alertlist", "Alerts", about, "none", (), options=options)
