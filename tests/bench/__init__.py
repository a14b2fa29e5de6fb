"""Benchmarks beside peers in the same run: `make bench` (docs/PERFORMANCE.md has the last table)."""
