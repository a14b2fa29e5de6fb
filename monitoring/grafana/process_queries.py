"""Queries over the processes that a dashboard shows: rates, means and percentiles for each."""

CHOSEN = 'job=~"$job",instance=~"$instance"'
P99 = "histogram_quantile(0.99, sum by (le, {by}) (rate({name}_bucket{{{chosen}}}[$__rate_interval])))"


def p99(name: str, by: str = "job, instance") -> str:
    """Return the 99th percentile of a histogram, for each of what it is grouped by."""
    return P99.format(by=by, name=name, chosen=CHOSEN)


def mean(name: str, by: str = "job, instance") -> str:
    """Return the mean of a histogram, for each of what it is grouped by."""
    rates = [
        f"sum by ({by}) (rate({name}_{part}{{{CHOSEN}}}[$__rate_interval]))" for part in ("sum", "count")
    ]
    return f"{rates[0]} / ({rates[1]} > 0)"


def each_second(sample: str) -> str:
    """Return a counter's rate, for each process."""
    return f"sum by (job, instance) (rate({sample}{{{CHOSEN}}}[$__rate_interval]))"
