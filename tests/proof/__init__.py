"""Proofs on a real grid: minutes long, printed as tables. `make proof`; short forms are in tests/process."""
