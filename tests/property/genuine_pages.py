"""Pages of substations, genuine and made up, for tests of their readers."""

import dataclasses

from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from balancer.fleet.scan import ASKED, WITHIN
from substation.base_load.basis import Basis
from substation.contract import Report
from substation.curve import Usage
from substation.metrics import ReportCollector

NASTY = st.text(st.sampled_from('}{",\\\nn= #\t\r\x85\u2028é🚗ab0'), max_size=12)
TEXT = NASTY | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@dataclasses.dataclass
class FixedLoad:
    """A substation as its collector sees it."""

    last: Report
    journal_id: str
    time_scale: float = 120.0

    def report(self) -> Report:
        return self.last

    def usage(self) -> Usage:
        return Usage(12_345, 0, 678)

    def draw_w(self) -> float:
        return 1.5

    def delivered_j(self) -> int:
        return 7

    def base_load_basis(self) -> Basis:
        return Basis.SOURCE


def real_page(report: Report, address: str = ":9101") -> bytes:
    """The page that a substation serves to the balancer's query."""
    registry = CollectorRegistry()
    registry.register(ReportCollector(FixedLoad(report, report.journal_id), report.substation_id, address))
    return generate_latest(registry.restricted_registry(ASKED))


@st.composite
def reports(draw: st.DrawFn) -> Report:
    steps = draw(st.lists(st.integers(0, 10**8), min_size=len(WITHIN), max_size=len(WITHIN)))
    schedule = tuple(sum(steps[: index + 1]) for index in range(len(steps)))
    return Report(
        draw(TEXT.filter(bool)),
        draw(TEXT),
        draw(st.integers(0, 2**40)),
        draw(st.integers(0, 2**40)),
        schedule[-1],
        draw(st.integers(1, 10**9)),
        draw(st.booleans()),
        schedule,
        draw(st.integers(0, 10**6)),
        base_load_w=draw(st.integers(0, 10**9)),
        owed_w=draw(st.integers(0, 10**9)),
        paused=draw(st.integers(0, 10**6)),
        calendar_s=draw(st.integers(0, 2**40)),
        kept_w=draw(st.integers(0, 10**9)),
        base_load_stale=draw(st.booleans()),
    )
