"""The gauge of the expected peaks, at the moment of a scrape."""

import time
from collections.abc import Callable, Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

EXPECTED_PEAK = (
    "smartgrid_substation_expected_peak_ratio",
    "Highest share of the limit that base load and present cars are expected to take in 2 h of grid time; NaN: unknown",
)


class ExpectedPeakCollector(Collector):
    """Yields the expected peak of each substation."""

    def __init__(self, peaks: Callable[[float], Iterable[tuple[str, float]]]) -> None:
        """`peaks` returns substations with their expected peaks at a moment, in seconds of the monotonic clock."""
        self._peaks = peaks

    def describe(self) -> Iterator[Metric]:
        """Name the family."""
        yield GaugeMetricFamily(*EXPECTED_PEAK)

    def collect(self) -> Iterator[Metric]:
        """Compute the peaks of this moment."""
        gauge = GaugeMetricFamily(*EXPECTED_PEAK, labels=["substation"])
        for name, share in self._peaks(time.monotonic()):
            gauge.add_metric([name], share)
        yield gauge
