"""HEAD is answered as GET is, without a body."""

import pytest

from runtime.body_limit import BODY_BYTES
from tests.unit.runtime.http_handlers import request, serving, whole

pytestmark = pytest.mark.usefixtures("server")


def without_date(head: bytes) -> list[bytes]:
    """The lines of an answer's head; the moment differs."""
    return [line for line in head.split(b"\r\n") if not line.startswith(b"Date:")]


@pytest.mark.gen_test
async def test_head_is_answered_as_get_is_with_the_same_headers_and_no_body() -> None:
    async with serving() as port:
        for path in (
            "/echo",
            "/livez",
            "/readyz",
            "/metrics?name[]=smartgrid_build_info",
            "/nothing",
            "/echo?break=1",
        ):
            head, get = [
                await whole(port, request(f"{method} {path}", "X-Request-Id: same", "Connection: close"))
                for method in ("HEAD", "GET")
            ]
            headers, _, body = get.partition(b"\r\n\r\n")
            assert body
            assert without_date(head) == without_date(headers + b"\r\n\r\n"), path


@pytest.mark.gen_test
async def test_head_where_there_is_nothing_to_get_is_405() -> None:
    async with serving() as port:
        answer = await whole(port, request("HEAD /post-only", "Connection: close"))
        assert answer.startswith(b"HTTP/1.1 405 ")
        assert b"\r\nAllow: POST\r\n" in answer
        assert answer.endswith(b"\r\n\r\n")


@pytest.mark.gen_test
async def test_a_head_request_whose_body_is_too_large_leaves_the_connection_in_order() -> None:
    async with serving() as port:
        sent = request("HEAD /echo", f"Content-Length: {BODY_BYTES + 1}") + b"x" * (BODY_BYTES + 1)
        answers = await whole(port, sent, request("GET /echo", "Connection: close"))
        first, second, body = answers.split(b"\r\n\r\n")
        assert first.startswith(b"HTTP/1.1 413 ")
        assert second.startswith(b"HTTP/1.1 200 ")
        assert body == b'{"bytes": 0}'
