"""The measurements of a run: requests with their answers, readings of substations, latencies, the generator's own health.

It reads the grid and never changes it.
"""
