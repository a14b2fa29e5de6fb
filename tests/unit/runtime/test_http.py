"""Listeners, their limits and their problem documents, through real sockets."""

import asyncio
import contextlib
import logging

import pytest
from tornado.web import Application

from runtime import http
from runtime.body_limit import BODY_BYTES, DRAIN_BYTES
from tests.support.raw_http import Reply, exchange
from tests.unit.runtime.http_handlers import (
    request,
    serving,
    whole,
)

pytestmark = pytest.mark.usefixtures("server")


def with_length(size: int) -> bytes:
    return request("POST /echo", f"Content-Length: {size}") + b"x" * size


def in_chunks(size: int) -> list[bytes]:
    chunks = [
        b"%x\r\n%s\r\n" % (len(part), part)
        for part in (b"x" * min(50_000, size - at) for at in range(0, size, 50_000))
    ]
    return [request("POST /echo", "Transfer-Encoding: chunked"), *chunks, b"0\r\n\r\n"]


def assert_problem(reply: Reply, status: int, code: str) -> None:
    assert reply.status == status
    assert reply.headers["content-type"] == "application/problem+json"
    document = reply.json()
    assert (document["status"], document["type"]) == (status, f"urn:smartgrid:problem:{code}")
    assert document["title"]
    assert document["request_id"]


@pytest.mark.gen_test
async def test_a_body_of_exactly_the_limit_is_taken() -> None:
    async with serving() as port:
        assert (await exchange(port, with_length(BODY_BYTES))).json() == {"bytes": BODY_BYTES}
        assert (await exchange(port, *in_chunks(BODY_BYTES))).json() == {"bytes": BODY_BYTES}


@pytest.mark.parametrize("size", [BODY_BYTES + 1, 10 * BODY_BYTES, DRAIN_BYTES])
@pytest.mark.gen_test
async def test_a_body_over_the_limit_is_answered_413_after_it_was_sent(size: int) -> None:
    async with serving() as port:
        for reply in (await exchange(port, with_length(size)), await exchange(port, *in_chunks(size))):
            assert_problem(reply, 413, "too-large")


@pytest.mark.gen_test
async def test_a_connection_whose_body_was_too_large_serves_the_next_request() -> None:
    async with serving() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(with_length(BODY_BYTES + 1) + request("GET /echo", "Connection: close"))
        answers = await reader.read()
        writer.close()
    assert answers.startswith(b"HTTP/1.1 413 ")
    assert answers.endswith(b'{"bytes": 0}')


@pytest.mark.gen_test
async def test_a_huge_body_is_refused_before_it_is_sent() -> None:
    async with serving() as port:
        reply = await exchange(port, request("POST /echo", f"Content-Length: {DRAIN_BYTES + 1}"))
        assert_problem(reply, 413, "too-large")
        assert reply.closed


@pytest.mark.gen_test
async def test_who_sends_chunks_without_end_is_cut_off_and_nobody_else() -> None:
    async def flood(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request("POST /echo", "Transfer-Encoding: chunked"))
        with contextlib.suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(b"8000\r\n" + b"x" * 0x8000 + b"\r\n")
                await writer.drain()
        with contextlib.suppress(ConnectionError):
            answer = await reader.read()
            writer.close()
            return answer
        return b""

    async with serving() as port:
        answer = await flood(port)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 413 ")
        assert (await exchange(port, with_length(3))).json() == {"bytes": 3}


@pytest.mark.gen_test
async def test_an_unknown_address_is_a_404_problem() -> None:
    async with serving() as port:
        for line in ("GET /nothing", "POST /nothing", "DELETE /"):
            assert_problem(await exchange(port, request(line)), 404, "not-found")


@pytest.mark.gen_test
async def test_a_method_that_is_not_taken_is_a_405_problem_that_names_those_that_are() -> None:
    async with serving() as port:
        for line in ("DELETE /echo", "BREW /echo"):
            reply = await exchange(port, request(line))
            assert_problem(reply, 405, "method-not-allowed")
            assert reply.headers["allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize("end", [b"3;name=value\r\nabc\r\n0\r\n\r\n", b"3\r\nabc\r\n0\r\nTrailer: 1\r\n\r\n"])
@pytest.mark.gen_test
async def test_what_the_reference_says_is_refused_of_chunks_is_refused_and_the_connection_closed(
    end: bytes,
) -> None:
    """What follows on such a connection is never taken for a request."""
    async with serving() as port:
        head = request("POST /echo", "Transfer-Encoding: chunked")
        answer = await whole(port, head, end, request("GET /echo"))
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.gen_test
async def test_a_target_in_absolute_form_is_that_of_its_path_and_its_host_counts() -> None:
    async with serving() as port:
        for target in ("http://grid.example:8000/host?a=b", "HTTPS://grid.example:8000/host?a=b"):
            reply = await exchange(port, request(f"GET {target}"))
            assert reply.json() == {"host": "grid.example:8000", "uri": "/host?a=b"}
        assert_problem(await exchange(port, request("GET http://grid.example")), 404, "not-found")
        assert_problem(await exchange(port, request("GET http:///host")), 404, "not-found")
        foreign = await exchange(port, request("GET http://elsewhere.example/host"))
        assert_problem(foreign, 421, "foreign-host")


@pytest.mark.gen_test
async def test_a_target_in_absolute_form_does_not_stand_in_for_a_host_header() -> None:
    async with serving() as port:
        answer = await whole(port, b"GET http://grid/host HTTP/1.1\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 400 ")


@pytest.mark.gen_test
async def test_a_plain_request_id_is_kept_and_any_other_is_replaced() -> None:
    async with serving() as port:
        kept = await exchange(port, request("GET /nothing", "X-Request-Id: abc-1.2_3"))
        assert kept.headers["x-request-id"] == kept.json()["request_id"] == "abc-1.2_3"
        made = set()
        for given in ("X-Request-Id: <script>", f"X-Request-Id: {'a' * 65}", "X-Other: 1"):
            reply = await exchange(port, request("GET /nothing", given))
            assert reply.headers["x-request-id"] == reply.json()["request_id"]
            made.add(reply.json()["request_id"])
        assert len(made) == 3
        assert not made & {"<script>", "a" * 65, ""}


@pytest.mark.gen_test
async def test_a_fault_is_a_500_problem_that_tells_nothing_but_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving() as port:
        with caplog.at_level(logging.ERROR):
            reply = await exchange(port, request("GET /echo?break=1", "X-Request-Id: find-me"))
    assert_problem(reply, 500, "internal")
    assert b"secret" not in reply.body
    assert "a secret of the test" in caplog.text
    assert [r.__dict__["request_id"] for r in caplog.records if r.name == "runtime.handlers"] == ["find-me"]


@pytest.mark.gen_test
async def test_answers_may_not_be_kept_and_do_not_name_the_server() -> None:
    async with serving() as port:
        for line in ("GET /echo", "GET /nothing", "GET /livez", "GET /metrics"):
            headers = (await exchange(port, request(line))).headers
            assert headers["cache-control"] == "no-store"
            assert headers["x-content-type-options"] == "nosniff"
            assert "server" not in headers
            assert "etag" not in headers


@pytest.mark.gen_test
async def test_alive_is_not_ready_and_ready_names_what_it_waits_for() -> None:
    lacking = ["a balancer"]
    async with serving(lacking) as port:
        assert (await exchange(port, request("GET /livez"))).status == 200
        reply = await exchange(port, request("GET /readyz"))
        assert (reply.status, reply.json()["waiting_for"]) == (503, ["a balancer"])
        lacking.clear()
        assert (await exchange(port, request("GET /readyz"))).status == 200


@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket")  # Tornado leaves it to the collector
@pytest.mark.gen_test
async def test_a_port_is_not_shared_with_another_listener() -> None:
    async with serving() as port:
        with pytest.raises(OSError, match="in use"):
            async with http.listen(Application([]), "127.0.0.1", port):
                pass
