"""The files for Grafana: two dashboards, the data source, a few alerts. Grafana itself is not part of it.

The dashboards are written by `python -m monitoring.grafana`; edit the Python, not the JSON.
"""
