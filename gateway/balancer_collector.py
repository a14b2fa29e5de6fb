"""The metrics of the balancers that a gateway knows, read from its links at each scrape."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from gateway.balancers import Balancers


class BalancerCollector(Collector):
    """Shows which balancers there are, whether each is up, and how many calls each was given.

    A balancer that its name has no more has no series any more.
    """

    def __init__(self, balancers: Balancers) -> None:
        self._balancers = balancers

    def describe(self) -> Iterator[Metric]:
        """Return the metrics without samples, so that a page of chosen names finds them."""
        yield from self._families()

    def collect(self) -> Iterator[Metric]:
        """Return the metrics of now."""
        up, calls = self._families()
        for address, link in self._balancers.links.items():
            up.add_metric([address], int(link.up))
            calls.add_metric([address], link.called)
        yield up
        yield calls

    @staticmethod
    def _families() -> tuple[GaugeMetricFamily, CounterMetricFamily]:
        return (
            GaugeMetricFamily(
                "smartgrid_gateway_balancer_up",
                "1 while the stream to this balancer is up, else 0",
                labels=["balancer"],
            ),
            CounterMetricFamily(
                "smartgrid_gateway_balancer_calls",
                "Calls that this balancer was given",
                labels=["balancer"],
            ),
        )
