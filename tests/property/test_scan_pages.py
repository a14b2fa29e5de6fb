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

from balancer.fleet.poller import checked, parse
from balancer.fleet.scan import ASKED, WITHIN, MetricSample, PageReading, PageUnusable, page_reading, scan
from balancer.report_fault import MOST_AHEAD_S
from substation.contract import MOST_W, RELEASES_WITHIN_S, Report
from tests.property.genuine_pages import TEXT, real_page, reports

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
