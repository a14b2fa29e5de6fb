"""Studies: simulations that decide what the default is, with the production code on a virtual clock.

Each prints a table as JSON, and its progress on stderr. `python -m tests.study.placement`, for one.
"""
