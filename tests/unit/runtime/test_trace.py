"""A caller's trace is taken up if it is exactly what the standard allows, and nothing else ever is."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.trace import LONGEST, RANDOM, SAMPLED, received

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
OURS = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[0-3]")
HOSTILE = {
    "none": "",
    "a trace of zeros": f"00-{'0' * 32}-{SPAN}-01",
    "a parent of zeros": f"00-{TRACE}-{'0' * 16}-01",
    "a forbidden version": f"ff-{TRACE}-{SPAN}-01",
    "upper case": f"00-{TRACE.upper()}-{SPAN}-01",
    "too short": f"00-{TRACE[1:]}-{SPAN}-01",
    "too long": f"00-{TRACE}a-{SPAN}-01",
    "no flags": f"00-{TRACE}-{SPAN}",
    "more than the first version has": f"00-{TRACE}-{SPAN}-01-more",
    "two headers as one": f"00-{TRACE}-{SPAN}-01,00-{TRACE}-{SPAN}-01",
    "a line break after it": f"00-{TRACE}-{SPAN}-01\n",
    "a line of a log in it": f'00-{TRACE}-{SPAN}-01\n{{"level": "info"}}',
    "other digits": f"00-{'٣' * 32}-{SPAN}-01",
    "a later version without a dash": f"01-{TRACE}-{SPAN}-01more",
    "a megabyte": f"01-{TRACE}-{SPAN}-01-{'a' * 1_000_000}",
}


def test_a_valid_trace_goes_on_under_a_span_of_ours() -> None:
    taken = received(f"00-{TRACE}-{SPAN}-01", "r-1")
    assert (taken.trace_id, taken.flags, taken.request_id) == (TRACE, SAMPLED, "r-1")
    assert taken.span_id != SPAN
    assert taken.traceparent() == f"00-{TRACE}-{taken.span_id}-01"


@pytest.mark.parametrize(
    ("sent", "goes_on"), [("00", "00"), ("01", "01"), ("02", "02"), ("03", "03"), ("fc", "00"), ("ff", "03")]
)
def test_of_the_flags_those_that_are_known_go_on_as_they_came(sent: str, goes_on: str) -> None:
    assert received(f"00-{TRACE}-{SPAN}-{sent}", "").traceparent().endswith(f"-{goes_on}")


def test_a_new_trace_says_that_its_id_is_random() -> None:
    assert received("", "").flags == RANDOM


@pytest.mark.parametrize("more", ["", "-", "-what the future brings".replace(" ", "_")])
def test_a_later_version_is_read_as_the_first_one(more: str) -> None:
    taken = received(f"cc-{TRACE}-{SPAN}-01{more}", "")
    assert taken.traceparent() == f"00-{TRACE}-{taken.span_id}-01"


@pytest.mark.parametrize("header", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_trace_that_is_not_valid_is_replaced_by_a_new_one(header: str) -> None:
    first, second = received(header, ""), received(header, "")
    assert OURS.fullmatch(first.traceparent())
    assert TRACE not in first.traceparent()
    assert first.trace_id != second.trace_id


@pytest.mark.parametrize("request_id", ["a b", "x" * 65, "a\nb", 'a"', "é", "../x"])
def test_a_request_id_that_is_not_plain_is_left_out(request_id: str) -> None:
    assert received("", request_id).request_id == ""


@given(st.text(max_size=LONGEST), st.text(max_size=100))
def test_whatever_is_sent_what_goes_on_is_valid(header: str, request_id: str) -> None:
    taken = received(header, request_id)
    assert OURS.fullmatch(taken.traceparent())
    assert re.fullmatch(r"[A-Za-z0-9._-]{0,64}", taken.request_id)
    assert received(taken.traceparent(), "").trace_id == taken.trace_id
