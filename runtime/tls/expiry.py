"""The metric of how long certificates are still valid."""

import time
from collections.abc import Iterable, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

NAME = "smartgrid_tls_certificate_seconds_left"
ABOUT = (
    "How long a certificate of this process is still valid; below 0 it has expired. Without TLS there is none"
)


class Expiring(Protocol):
    """Has certificates."""

    def expiries(self) -> Mapping[str, float]:
        """Return the unix times at which certificates expire, by what they are."""


class ExpiryCollector(Collector):
    """Shows how many seconds are left of each certificate of a process."""

    def __init__(self, sources: Iterable[Expiring]) -> None:
        self._sources = list(sources)

    def collect(self) -> Iterable[Metric]:
        """Yield the metric as of now."""
        family = self._family()
        now_s = time.time()
        for source in self._sources:
            for certificate, expires_s in source.expiries().items():
                family.add_metric([certificate], expires_s - now_s)
        yield family

    def describe(self) -> Iterable[Metric]:
        """Yield the metric without its values."""
        yield self._family()

    def _family(self) -> GaugeMetricFamily:
        return GaugeMetricFamily(NAME, ABOUT, labels=["certificate"])


def show_expiry(registry: CollectorRegistry, *sources: Expiring | None) -> None:
    """Show the certificates of this process; a source that is None has none."""
    registry.register(ExpiryCollector(source for source in sources if source))
