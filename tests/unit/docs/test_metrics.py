"""docs/reference/metrics.md names every metric, its type and its labels, and no other."""

import re
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Metric

from balancer.fleet import Fleet
from balancer.metrics import BalancerMetrics, FleetCollector, show_rushhour
from gateway.metrics import GatewayMetrics
from runtime import exposition
from runtime.frame_stream import StreamMetrics
from substation.contract import RELEASES_WITHIN_S, Report
from substation.curve import Usage
from substation.metrics import EnergyCollector, ReportCollector, WriterMetrics
from tests.unit.docs.pages import CODE, DOCS, ROOT, prose, rows

PAGE = DOCS / "reference" / "metrics.md"
ENDINGS = {"counter": "_total", "info": "_info"}
CLOSED = {"outcome", "state", "cause", "within", "kind"}
NAME = "substation-1"
REPORT = Report(NAME, "j", 1, 1, 0, 1000, draining=False, releases_w=(0,) * len(RELEASES_WITHIN_S))
EVERYWHERE = {"service", "version", "python", "journal", "grpc"}
SECTIONS = ("Gateway", "Balancer", "Substation", "Console")


class Idle:
    """A station that has nothing to do."""

    journal_id = "j"
    grpc_address = ":9101"
    time_scale = 120.0

    def report(self) -> Report:
        return REPORT

    def usage(self) -> Usage:
        return Usage()

    def draw_w(self) -> float:
        return 0.0

    def delivered_j(self) -> int:
        return 0


class Never:
    """Randomness that nobody asks for."""

    def random(self) -> float:
        raise NotImplementedError


def gateway() -> CollectorRegistry:
    registry = exposition.registry("gateway")
    GatewayMetrics(registry)
    return registry


def balancer() -> CollectorRegistry:
    registry = exposition.registry("balancer")
    BalancerMetrics(registry).discovered(NAME)
    StreamMetrics(registry, "smartgrid_balancer")
    show_rushhour(registry, lambda: False)
    fleet = Fleet(1.0, Never(), lambda _: True)
    fleet.watch("http://127.0.0.1:8101")
    fleet.polled("http://127.0.0.1:8101", REPORT, 0.0)
    registry.register(FleetCollector(fleet, []))
    return registry


def substation() -> CollectorRegistry:
    registry = exposition.registry("substation")
    WriterMetrics(registry, NAME)
    registry.register(ReportCollector(Idle(), NAME))
    registry.register(EnergyCollector(Idle(), NAME))
    return registry


def console() -> CollectorRegistry:
    registry = exposition.registry("admin_ui")
    StreamMetrics(registry, "smartgrid_console")
    return registry


SERVICES = {"Gateway": gateway, "Balancer": balancer, "Substation": substation, "Console": console}


def families(service: str) -> Iterator[tuple[str, Metric]]:
    """Yield the metrics of a service under the names that a query uses."""
    for family in SERVICES[service]().collect():
        if family.name.startswith("smartgrid_"):
            yield family.name + ENDINGS.get(family.type, ""), family


def section(service: str) -> str:
    """Return what the page says of a service, with what it says of all."""
    text = prose(PAGE)
    return "".join(
        text.split(f"\n## {heading}\n")[1].split("\n## ")[0] for heading in ("Every service", service)
    )


@pytest.mark.parametrize("service", SERVICES)
def test_the_page_names_exactly_the_metrics_of_a_service(service: str) -> None:
    documented = {name for name in rows(section(service)) if name.startswith("smartgrid_")}
    assert documented == {name for name, _ in families(service)}


@pytest.mark.parametrize("service", SERVICES)
def test_the_type_and_the_labels_of_a_metric_are_right(service: str) -> None:
    table = rows(section(service))
    for name, family in families(service):
        # an info metric is a gauge of 1 on the page that Prometheus reads
        assert table[name][1] == ("gauge" if family.type == "info" else family.type), name
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        described = set(CODE.findall(table[name][2]))
        if service == "Substation" and not name.startswith("smartgrid_build"):
            labels.discard("substation")  # said once, above the table
        assert labels <= described, name


@pytest.mark.parametrize("service", SERVICES)
def test_the_values_of_a_label_are_a_closed_set_and_all_named(service: str) -> None:
    table = rows(section(service))
    for name, family in families(service):
        for label in CLOSED:
            values = {sample.labels[label] for sample in family.samples if label in sample.labels}
            listed = set(CODE.findall(table[name][2])) - CLOSED - EVERYWHERE - {"substation"}
            if name == "smartgrid_charge_requests_total":  # its values have a table of their own
                listed = {name for name in table if not name.startswith("smartgrid_")}
            if values:
                assert listed == values, name


def test_no_page_names_a_metric_that_does_not_exist() -> None:
    known = {name for service in SERVICES for name, _ in families(service)}
    parts = {name + ending for name in known for ending in ("_bucket", "_count", "_sum")}
    for page in [ROOT / "README.md", *DOCS.rglob("*.md")]:
        named = set(re.findall(r"smartgrid_[a-z_]*[a-z]", page.read_text(encoding="utf-8")))
        assert named <= known | parts, page
