"""Any request, at every HTTP address of a gateway, a balancer and a substation: an answer in form, never a 500.

One grid is asked everything. What is drawn is what breaks decoders: bytes that are no UTF-8, NUL, lone
surrogates, huge numbers, deep nesting, empty and repeated parameters, and targets in absolute form.
"""

import asyncio
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.balancer.grid import HOST, Grid, Plan, running
from tests.support.examples import examples
from tests.support.raw_http import Reply

EXAMPLES = examples(150)
NASTY = [
    b"",
    b"%00",
    b"%ff",
    b"%ed%a0%80",
    b"%c0%80",
    b"%",
    b"%zz",
    b"%2f",
    b"..",
    b"a",
    b"1",
    b"-1",
    b"0",
    b"9" * 30,
    b"1e9",
    b"NaN",
    b"Infinity",
    b"%F0%9F%9A%97",
    b"s-1",
    b"s-1.0",
    b"s-1:1",
    b"%0d%0a",
    b"+",
    b"=",
    b"[]",
    b"'",
    b'"',
]
PART = st.sampled_from(NASTY) | st.binary(max_size=8).map(
    lambda raw: "".join(f"%{b:02x}" for b in raw).encode()
)
NAMES = [b"vehicle_id", b"session_id", b"limit", b"cursor", b"after", b"name[]", b"x", b"%00", b"%ff"]
QUERY = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from([b"=", b""]), PART), max_size=4).map(
    lambda pairs: b"&".join(b"".join(pair) for pair in pairs)
)
GATEWAY = [b"/charge", b"/charge/", b"/openapi.json", b"/", b"/page.css", b"/metrics", b"/livez", b"/readyz"]
BALANCER = [
    b"/fleet",
    b"/fleet/",
    b"/fleet/s-1/drain",
    b"/fleet/s-1/restore",
    b"/fleet/s-1/capacity",
    b"/fleet/s-9/decommission",
    b"/policy",
    b"/rushhour",
    b"/rushhour/",
    b"/decisions",
    b"/history",
    b"/forecast",
    b"/fleet/stream",
    b"/metrics",
    b"/livez",
    b"/readyz",
]
SUBSTATION = [b"/sessions", b"/metrics", b"/livez", b"/readyz"]
PATHS = [
    *((0, path) for path in GATEWAY),
    *((1, path) for path in BALANCER),
    *((2, path) for path in SUBSTATION),
]
ALL_METHODS = [b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"BREW"]
METHODS = st.sampled_from(ALL_METHODS)
FIELDS = [
    "vehicle_id",
    "energy_kwh",
    "max_power_kw",
    "stay_minutes",
    "substations",
    "max_wait_s",
    "capacity_kw",
    "policy",
    "run_id",
    "ttl_s",
    "\0",
]
VALUES = st.recursive(
    st.sampled_from(
        [None, True, 0, -1, 1, 10**400, -(10**30), 1e308, "", "\0", "\ud800", "s-1", "a", "é", "\u2028"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=3),
    max_leaves=5,
)
DEEP = st.tuples(st.sampled_from(["[", '{"a":']), st.integers(20, 5000), st.sampled_from(FIELDS)).map(
    lambda drawn: (json.dumps({drawn[2]: 0})[:-2] + drawn[0] * drawn[1] + "1").encode()
)
TEXT = st.sampled_from(
    ['{"policy": NaN}', '{"ttl_s": Infinity}', '{"capacity_kw": 1e999}', '{"a": 1, "a": 2}', "{", "null"]
)
BODY = (
    st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=4).map(lambda body: json.dumps(body).encode())
    | DEEP
    | TEXT.map(str.encode)
    | st.binary(max_size=30)
)
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(
            [b"Idempotency-Key", b"traceparent", b"X-Request-Id", b"Authorization", b"Content-Type"]
        ),
        st.sampled_from(
            [b"", b"\xff", b"a", b"Bearer \xe9", b"application/json", b"FF-00-00-00", b"cc-" + b"1" * 32]
        ),
    ),
    max_size=3,
)


@pytest.fixture
def grid(tmp_path: Path) -> Iterator[tuple[Grid, asyncio.Runner]]:
    """A grid that stays for all examples, and the loop that it runs in."""
    with asyncio.Runner() as runner:
        context = running(tmp_path, Plan(capacities_kw=(100,), deadline_s=1, time_scale=1000))
        made = runner.run(context.__aenter__())
        yield made, runner
        runner.run(context.__aexit__(None, None, None))


NOT_READY = 503


def in_form(reply: Reply, method: bytes, *, not_ready: bool = False) -> None:
    """An answer of a service of ours, or what Tornado itself refuses, with no body, before it is a request.

    `not_ready` says that it may be the page that tells what a service waits for: on a busy machine it may.
    """
    assert reply.status != 500
    if reply.status >= 400 and "x-request-id" in reply.headers:
        kind = reply.headers["content-type"]
        if not_ready and kind == "application/json":
            return
        assert kind == "application/problem+json"
        if method != b"HEAD":
            assert reply.json()["request_id"] == reply.headers["x-request-id"]
    assert len(reply.body) < 200_000 or reply.status == 200


@dataclasses.dataclass(frozen=True)
class Drawn:
    """One request."""

    at: tuple[int, bytes]
    method: bytes
    last: bytes
    query: bytes
    body: bytes
    headers: list[tuple[bytes, bytes]]
    base: bytes

    def sent(self) -> bytes:
        path = self.at[1] + (self.last if self.at[1].endswith(b"/") else b"")
        target = self.base + path + (b"?" + self.query if self.query else b"")
        lines = [b"%s %s HTTP/1.1" % (self.method, target), b"Host: grid"]
        lines += [b"%s: %s" % header for header in self.headers]
        if b"Content-Type" not in dict(self.headers):
            lines.append(b"Content-Type: application/json")
        lines += [b"Content-Length: %d" % len(self.body), b"Connection: close", b"", b""]
        return b"\r\n".join(lines) + self.body


@given(
    drawn=st.builds(
        Drawn,
        st.sampled_from(PATHS),
        METHODS,
        PART,
        QUERY,
        BODY,
        HEADERS,
        st.sampled_from([b"", b"http://grid"]),
    )
)
@settings(
    max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_any_request_is_answered_in_form(grid: tuple[Grid, asyncio.Runner], drawn: Drawn) -> None:
    made, runner = grid
    port = (made.gateway_port, made.balancer_port, made.ports["s-1"][0])[drawn.at[0]]
    reply = runner.run(answer_to(port, drawn.sent(), drawn.method))
    in_form(reply, drawn.method, not_ready=drawn.at[1] == b"/readyz" and reply.status == NOT_READY)


@pytest.mark.parametrize("service", [0, 1, 2])
def test_every_method_at_every_address_is_answered_in_form(
    grid: tuple[Grid, asyncio.Runner], service: int
) -> None:
    """A method that is taken at `/rushhour` is none at `/rushhour/{run_id}`, and the other way round."""
    made, runner = grid
    port = (made.gateway_port, made.balancer_port, made.ports["s-1"][0])[service]
    for owner, path in PATHS:
        for last in (
            ([b"s-1", b"run-1", b"s-1.0"] if path.endswith(b"/") else [b""]) if owner == service else ()
        ):
            for method in ALL_METHODS:
                drawn = Drawn((owner, path), method, last, b"", b"{}", [], b"")
                reply = runner.run(answer_to(port, drawn.sent(), method))
                in_form(reply, method)
                allowed = reply.headers.get("allow", "").encode().split(b", ")
                assert reply.status != 405 or (method not in allowed)
                if method in {b"GET", b"HEAD"} and reply.status == 405:
                    assert not {b"GET", b"HEAD"} & set(allowed)


async def answer_to(port: int, sent: bytes, method: bytes) -> Reply:
    """One answer; HEAD has none of the body that its length announces."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(sent)
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.transport.abort()
    start, *fields = head.decode("latin-1").split("\r\n")
    found = {name.lower(): value for name, _, value in (field.partition(": ") for field in fields)}
    assert method != b"HEAD" or not body
    return Reply(int(start.split(" ")[1]), found, body, closed=True)
