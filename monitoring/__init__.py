"""Monitoring of the grid from outside: assets for Prometheus and Grafana. No service imports from here."""
