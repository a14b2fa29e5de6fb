"""Comparison of runs: what differs between groups of repeats, and whether the difference is more than noise.

It owns the figures of merit, the grouping and the test. It works on the documents that runs leave, and never talks to
a grid.
"""
