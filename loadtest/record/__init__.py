"""What a run records: every request with its answer, every reading of a substation, latencies."""
