"""Deterministic simulation: the production code of a whole grid on one event loop, in virtual time, under faults by seed.

`python -m tests.simulation` runs seeds. docs/explanation/simulation.md says what is simulated, and what is checked.
"""
