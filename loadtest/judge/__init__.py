"""The result of a run: the figures that follow from its measurements, and the thresholds that pass or fail.

It never talks to a grid.
"""
