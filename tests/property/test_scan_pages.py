"""The fast scan of a page and the official parser read the same, and no page does any harm."""

import dataclasses
import math
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from balancer.fleet.page_layout import page_layout
from balancer.fleet.poller import checked, parse
from balancer.fleet.scan import ASKED, WITHIN, MetricSample, PageReading, PageUnusable, page_reading, scan
from balancer.report_fault import MOST_AHEAD_S
from substation.base_load.basis import Basis
from substation.contract import MOST_W, RELEASES_WITHIN_S, Report
from substation.curve import Usage
from substation.metrics import ReportCollector

NASTY = st.text(st.sampled_from('}{",\\\nn= #\t\r\x85\u2028é🚗ab0'), max_size=12)
TEXT = NASTY | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NUMBERS = st.integers(-(10**15), 10**15) | st.floats(allow_nan=False)


class SampleCollector(Collector):
    """Yields what it was given."""

    def __init__(self, samples: list[MetricSample]) -> None:
        self._samples = samples

    def collect(self) -> Iterator[Metric]:
        for name in ASKED:
            own = [sample for sample in self._samples if sample.name == name]
            if own:
                family = GaugeMetricFamily(name, 'about }{ " \\ \n' + f'{name}{{substation="a"}} 1')
                for sample in own:
                    family.add_sample(sample.name, dict(sample.labels), sample.value)
                yield family


def render(samples: list[MetricSample]) -> bytes:
    registry = CollectorRegistry()
    registry.register(SampleCollector(samples))
    return generate_latest(registry)


SAMPLES = st.lists(
    st.builds(
        MetricSample,
        st.sampled_from(ASKED),
        st.dictionaries(st.sampled_from(["substation", "within", "stream", "journal", "_x9"]), TEXT),
        NUMBERS.map(float),
    ),
    max_size=20,
)


@given(samples=SAMPLES)
@example(samples=[MetricSample(ASKED[0], {"substation": 'a"} 1\nb\\'}, 1.0)])
def test_scan_and_parser_read_the_same_from_every_page_that_the_client_library_writes(
    samples: list[MetricSample],
) -> None:
    page = render(samples)
    assert scan(page) == parse(page)
    assert len(scan(page)) == len(samples)


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


@given(report=reports(), address=TEXT)
def test_a_report_comes_through_the_page_unchanged(report: Report, address: str) -> None:
    page = real_page(report, address)
    assert scan(page) == parse(page)
    assert page_reading(scan(page)) == page_reading(parse(page)) == PageReading(report, address)


@given(page=st.binary(max_size=400))
@example(page=b"smartgrid_substation_load_watts{a=")
@example(page=b'{, =+Inf\\+Inf"\n=# HELP ')
@example(page=b'smartgrid_substation_load_watts{substation="\xff"} 1\n')
@example(page=b"smartgrid_substation_load_watts nan\n" * 30)
def test_garbage_is_refused_and_does_no_other_harm(page: bytes) -> None:
    read_and_refuse(page)


NOW_S = 1_800_000_000
GENUINE = real_page(
    Report("substation-1", "j", NOW_S, 2, 5, 10, False, (0,) * (len(RELEASES_WITHIN_S) - 1) + (5,), 1, 10)
)
CUTS = st.integers(0, len(GENUINE))


@given(first=CUTS, second=CUTS, inside=st.binary(max_size=20) | TEXT.map(str.encode))
def test_a_damaged_page_is_read_or_refused_and_does_no_other_harm(
    first: int, second: int, inside: bytes
) -> None:
    read_and_refuse(GENUINE[: min(first, second)] + inside + GENUINE[max(first, second) :])


def read_and_refuse(page: bytes) -> None:
    for read in (scan, parse):
        try:
            report = believed(read(page))
        except (PageUnusable, ValueError):
            continue
        assert 0 < report.capacity_w <= report.rated_w <= MOST_W
        assert 0 <= report.load_w <= MOST_W
        assert report.epoch <= NOW_S + MOST_AHEAD_S


def believed(samples: list[MetricSample]) -> Report:
    """The report that a balancer adopts from a page."""
    return checked("http://127.0.0.1:8101", page_reading(samples), NOW_S).report


@given(
    report=reports(),
    name=st.sampled_from([name for name in ASKED if not name.endswith("_info")]),
    value=st.floats(),
)
def test_whatever_one_number_of_a_page_is_it_is_within_its_bounds_or_not_believed(
    report: Report, name: str, value: float
) -> None:
    genuine = dataclasses.replace(
        report,
        substation_id="s-1",
        journal_id="j",
        epoch=NOW_S,
        rated_w=MOST_W,
        load_w=min(report.load_w, MOST_W),
    )
    samples = [each._replace(value=value) if each.name == name else each for each in scan(real_page(genuine))]
    try:
        found = believed(samples)
    except PageUnusable:
        return
    numbers = [found.load_w, found.capacity_w, found.rated_w, *found.releases_w]
    assert all(0 <= number <= MOST_W for number in numbers)
    assert 0 <= found.epoch <= NOW_S + MOST_AHEAD_S
    assert 0 <= found.load_w / found.capacity_w < float("inf")
    assert list(found.releases_w) == sorted(found.releases_w)


def changed(old: str, new: str) -> bytes:
    """The genuine page with every match of a pattern replaced."""
    page, times = re.subn(old, new, GENUINE.decode())
    assert times
    return page.encode()


FLAWED = {
    "no load": changed(r"\n\w+load_watts\{.*", ""),
    "no info": changed(r"\n\w+_info\{.*", ""),
    "no journal": changed(r'journal="\w+"', 'other="x"'),
    "no stream address": changed(r'stream="[^"]*"', 'other="x"'),
    "a release missing": changed(r'\n.*within="30".*', ""),
    "a release doubled": changed(r'within="30"', 'within="60"'),
    "a name doubled": GENUINE + b'smartgrid_substation_load_watts{substation="substation-1"} 5\n',
    "a page twice": GENUINE * 2,
    "two substations": changed(r'load_watts\{substation="substation-1"', 'load_watts{substation="other"'),
    "no substation": changed(r'substation="substation-1"', 'substation=""'),
    "no labels": changed(r"load_watts\{.*\}", "load_watts"),
    "a load that is NaN": changed(r"(load_watts\{.*\}) .*", r"\1 NaN"),
    "an infinite capacity": changed(r"(capacity_watts\{.*\}) .*", r"\1 +Inf"),
    "an infinite load": changed(r"(load_watts\{.*\}) .*", r"\1 -Inf"),
    "a negative load": changed(r"(load_watts\{.*\}) .*", r"\1 -1"),
    "a negative capacity": changed(r"(capacity_watts\{.*\}) .*", r"\1 -10"),
    "no capacity": changed(r"(capacity_watts\{.*\}) .*", r"\1 0"),
    "a negative release": changed(r'(within="0.25"\}) .*', r"\1 -1"),
    "a falling schedule": changed(r'(within="30"\}) .*', r"\1 1"),
    "a NaN in the schedule": changed(r'(within="30"\}) .*', r"\1 NaN"),
    "an epoch of no time": changed(r"(report_epoch\{.*\}) .*", r"\1 1e300"),
    "an epoch of the day after tomorrow": changed(
        r"(report_epoch\{.*\}) .*", rf"\1 {NOW_S + 2 * MOST_AHEAD_S}"
    ),
    "a negative epoch": changed(r"(report_epoch\{.*\}) .*", r"\1 -1"),
    "a capacity beyond all": changed(r"(capacity_watts\{.*\}) .*", r"\1 1e300"),
    "a capacity above the rated one": changed(r"(capacity_watts\{.*\}) .*", r"\1 11"),
    "no rated capacity": changed(r"(rated_watts\{.*\}) .*", r"\1 0"),
    "a negative rated capacity": changed(r"(rated_watts\{.*\}) .*", r"\1 -10"),
    "half a watt": changed(r"(load_watts\{.*\}) .*", r"\1 5.5"),
    "a load beyond all": changed(r"(load_watts\{.*\}) .*", r"\1 1e300"),
    "more freed than there is": changed(r'(within="\+Inf"\}) .*', r"\1 6"),
    "half a drain": changed(r"(draining\{.*\}) .*", r"\1 0.5"),
    "sessions below none": changed(r"(sessions_active\{.*\}) .*", r"\1 -1"),
    "an id that is none": changed(r'substation="substation-1"', 'substation="Substation 1"'),
    "nothing": b"",
}


@pytest.mark.parametrize("flaw", FLAWED)
@pytest.mark.parametrize("read", [scan, parse])
def test_a_flawed_page_is_not_believed(flaw: str, read: Any) -> None:
    with pytest.raises(PageUnusable):
        believed(read(FLAWED[flaw]))


def test_the_genuine_page_is_believed_and_has_every_point_of_the_schedule() -> None:
    report = page_reading(scan(GENUINE)).report
    assert (report.load_w, report.capacity_w, len(report.releases_w)) == (5, 10, len(RELEASES_WITHIN_S))
    assert math.isinf(float(WITHIN[-1]))


@pytest.mark.parametrize(
    "page",
    [changed(r"\} ", "}  "), changed(r"(\} \S+)", r"\1 1700000000000"), changed(r"\{", "{ ")],
    ids=["spaces", "timestamps", "spaces in labels"],
)
def test_what_only_the_parser_can_read_is_refused_by_the_scan_and_not_misread(page: bytes) -> None:
    with pytest.raises((PageUnusable, ValueError)):
        page_reading(scan(page))
    assert page_reading(parse(page)) == page_reading(scan(GENUINE))


def slow_reading(page: bytes) -> PageReading | None:
    try:
        return page_reading(scan(page))
    except (PageUnusable, ValueError):
        return None


@given(first=reports(), other=reports(), address=TEXT)
def test_a_page_in_the_layout_of_the_one_before_it_is_read_as_by_the_scan(
    first: Report, other: Report, address: str
) -> None:
    other = dataclasses.replace(other, substation_id=first.substation_id, journal_id=first.journal_id)
    samples = scan(real_page(first, address))
    layout = page_layout(real_page(first, address), samples, page_reading(samples))
    assert layout
    assert layout.read(real_page(other, address)) == PageReading(other, address)


@given(report=reports(), address=TEXT, data=st.data())
def test_a_page_that_was_tampered_with_is_read_by_its_layout_as_by_the_scan_or_not_at_all(
    report: Report, address: str, data: st.DataObject
) -> None:
    page = real_page(report, address)
    samples = scan(page)
    layout = page_layout(page, samples, page_reading(samples))
    assert layout
    lines = page.split(b"\n")
    at = data.draw(st.integers(0, len(lines) - 1))
    broken = data.draw(
        st.sampled_from([b"", b" ", b"# x", b"nan", b"0.5", b"-1", b"1e999", b"2.0", b"\r", b"x 1"])
    )
    change = data.draw(st.sampled_from(["value", "end", "insert", "drop"]))
    if change == "value":
        lines[at] = lines[at].rpartition(b" ")[0] + b" " + broken
    elif change == "end":
        lines[at] += broken
    elif change == "insert":
        lines.insert(at, broken)
    else:
        del lines[at]
    tampered = b"\n".join(lines)
    found = layout.read(tampered)
    assert found is None or found == slow_reading(tampered)


def test_a_page_with_other_samples_or_in_another_order_has_no_layout() -> None:
    page = real_page(Report("s-1", "j", 1, 1, 0, 1, draining=False, releases_w=(0,) * len(WITHIN)))
    for other in (page + b"up 1.0\n", b"\n".join(reversed(page.split(b"\n")))):
        samples = scan(other)
        assert page_layout(other, samples, page_reading(samples)) is None


SINCE = "base_load_watts|owed_watts|sessions_paused|calendar_seconds|kept_watts|base_load_stale"


@given(first=reports(), other=reports(), address=TEXT)
def test_the_page_of_a_substation_without_a_base_load_is_read_as_with_none(
    first: Report, other: Report, address: str
) -> None:
    """Substations of an earlier version are polled, too."""

    def earlier(report: Report) -> bytes:
        lines = real_page(report, address).split(b"\n")
        return b"\n".join(
            line for line in lines if not re.match(rf"smartgrid_substation_({SINCE})\{{".encode(), line)
        )

    def without(report: Report) -> PageReading:
        return PageReading(
            dataclasses.replace(
                report, base_load_w=0, owed_w=0, paused=0, calendar_s=0, kept_w=0, base_load_stale=False
            ),
            address,
        )

    other = dataclasses.replace(other, substation_id=first.substation_id, journal_id=first.journal_id)
    samples = scan(earlier(first))
    assert page_reading(samples) == page_reading(parse(earlier(first))) == without(first)
    layout = page_layout(earlier(first), samples, page_reading(samples))
    assert layout
    assert layout.read(earlier(other)) == without(other)
    assert layout.read(real_page(other, address)) is None, "it has been updated: its page is read anew"
