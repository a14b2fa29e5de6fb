"""A page that is read by the layout of the one before it reads as by the full scan."""

import dataclasses
import re

from hypothesis import given
from hypothesis import strategies as st

from balancer.fleet.page_layout import page_layout
from balancer.fleet.poller import parse
from balancer.fleet.scan import WITHIN, PageReading, PageUnusable, page_reading, scan
from substation.contract import Report
from tests.property.genuine_pages import TEXT, real_page, reports


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
