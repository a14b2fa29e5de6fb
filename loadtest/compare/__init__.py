"""Runs against runs: what differs between groups of repeats, and whether that is more than noise.

Everything here follows from the documents that runs leave. It never talks to a grid.
"""
