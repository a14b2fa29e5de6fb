"""The metric of how long certificates are still valid."""

import math
import time
from collections.abc import Iterable, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

NAME = "smartgrid_tls_certificate_remaining_seconds"
ABOUT = "How long a certificate of this process is still valid; below 0 it has expired. +Inf: it has none"
OWN = ("own", "authority")
PUBLIC = (*OWN, "public")


class Expiring(Protocol):
    """Has certificates."""

    def expiries(self) -> Mapping[str, float]:
        """Return the unix times at which certificates expire, by what they are."""


class ExpiryCollector(Collector):
    """Shows how many seconds are left of each certificate of a process."""

    def __init__(self, certificates: Iterable[str], sources: Iterable[Expiring]) -> None:
        """`certificates` are those that a process may have, `sources` has those that it has."""
        self._none = dict.fromkeys(certificates, math.inf)
        self._sources = list(sources)

    def collect(self) -> Iterable[Metric]:
        """Yield the metric as of now."""
        family = self._family()
        expiries = dict(self._none)
        for source in self._sources:
            expiries |= source.expiries()
        for certificate, expires_s in expiries.items():
            family.add_metric([certificate], expires_s - time.time())
        yield family

    def describe(self) -> Iterable[Metric]:
        """Yield the metric without its values."""
        yield self._family()

    def _family(self) -> GaugeMetricFamily:
        return GaugeMetricFamily(NAME, ABOUT, labels=["certificate"])


def show_expiry(registry: CollectorRegistry, certificates: Iterable[str], *sources: Expiring | None) -> None:
    """Show the certificates of this process: OWN, or PUBLIC where it has one for everybody too. None: it has none."""
    registry.register(ExpiryCollector(certificates, filter(None, sources)))
