"""One page fetched again and again: from a server of this project, and from servers that break every rule."""

import asyncio
from collections.abc import Callable

import pytest
from tornado.web import Application, RequestHandler

from runtime import http
from runtime.page_client import MOST_HEAD_BYTES, PageClient
from runtime.response_head import ResponseUnusable
from tests.support.pages import HOST, MOST, Serve, fetching, page_of

WITHIN_S = 0.2
OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b"


def saying(*answers: bytes, then_close: bool = False) -> Serve:
    """Each request gets the next of the answers, on any connection."""
    left = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while left:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(left.pop(0))
            await writer.drain()
            if then_close:
                return
        await reader.read()  # until the client hangs up

    return serve


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.001)


class CountingHandler(RequestHandler):
    """Says how many requests came, by whom, and on how many connections."""

    def initialize(self, seen: list[object]) -> None:
        self._seen = seen

    def get(self) -> None:
        connection = self.request.connection
        assert connection
        self._seen.append(getattr(connection, "stream", None))
        self.finish(f"{len(self._seen)} {self.request.headers['Host']} {self.get_query_argument('name')}")


@pytest.mark.gen_test
async def test_a_listener_of_this_project_is_asked_over_one_connection() -> None:
    seen: list[object] = []
    app = Application([("/metrics", CountingHandler, {"seen": seen})])
    async with http.listen(app, HOST, 0) as port:
        client = PageClient(f"http://{HOST}:{port}/metrics?name=a%5Bb", MOST)
        for number in range(1, 4):
            assert await page_of(client) == f"{number} {HOST}:{port} a[b".encode()
        await client.close()
    assert len(seen) == 3
    assert len(set(seen)) == 1


@pytest.mark.gen_test
@pytest.mark.parametrize(("scheme", "port"), [("http", 80), ("https", 443)])
async def test_a_url_without_a_port_means_that_of_its_scheme(scheme: str, port: int) -> None:
    client = PageClient(f"{scheme}://127.43.21.7/metrics?name=a", MOST)  # an address of this machine alone
    with pytest.raises(OSError, match=rf"'127\.43\.21\.7', {port}\b"):
        await page_of(client)
    await client.close()


@pytest.mark.gen_test
async def test_the_request_is_a_plain_get() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await server.asked(reader)
        writer.write(OK % (2, b"hi"))
        await reader.read()

    async with fetching(serve) as (client, server):
        assert await page_of(client) == b"hi"
        first, *fields = server.requests[0].decode().split("\r\n")
    assert first == "GET /metrics?name=a HTTP/1.1"
    assert fields[0].startswith(f"Host: {HOST}:")
    assert fields[1:] == ["Accept-Encoding: identity", "", ""]


@pytest.mark.gen_test
async def test_a_page_in_single_bytes_is_the_same_page() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for byte in OK % (5, b"a\r\n\r\n"):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)
        await reader.read()

    async with fetching(serve) as (client, _):
        assert await page_of(client) == b"a\r\n\r\n"


@pytest.mark.gen_test
async def test_an_empty_page_and_the_longest_one_are_read() -> None:
    async with fetching(saying(OK % (0, b""), OK % (MOST, b"x" * MOST), OK % (1, b"y"))) as (client, server):
        assert await page_of(client) == b""
        assert await page_of(client) == b"x" * MOST
        assert await page_of(client) == b"y"
        assert server.came == 1


@pytest.mark.gen_test
@pytest.mark.parametrize(
    "answer",
    [
        OK % (MOST + 1, b"x" * (MOST + 1)),
        b"HTTP/1.1 200 OK\r\n\r\nno length",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * MOST_HEAD_BYTES + b"\r\nContent-Length: 0\r\n\r\n",
        b"x" * (MOST_HEAD_BYTES + 1),
        b"\x00\xff\r\n\r\n",
    ],
    ids=["a byte too much", "no length", "chunks", "redirect", "long head", "endless head", "garbage"],
)
async def test_what_is_not_taken_costs_its_connection_and_the_next_one_is_good(answer: bytes) -> None:
    async with fetching(saying(answer, OK % (2, b"hi"))) as (client, server):
        with pytest.raises(ResponseUnusable):
            await page_of(client)
        await until(lambda: server.open == 0)
        assert await page_of(client) == b"hi"
        assert server.came == 2


@pytest.mark.gen_test
@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nConte", OK % (3, b"hi"), OK % (3, b"")], ids=repr
)
async def test_a_server_that_hangs_up_early_is_an_error(answer: bytes) -> None:
    async with fetching(saying(answer, OK % (2, b"hi"), then_close=True)) as (client, _):
        with pytest.raises(ConnectionError):
            await page_of(client)
        assert await page_of(client) == b"hi"


@pytest.mark.gen_test
@pytest.mark.parametrize("closes", [True, False], ids=["it hangs up", "it says that it hangs up"])
async def test_a_server_that_hangs_up_after_each_page_is_asked_on_a_new_connection(closes: bool) -> None:
    answer = OK % (2, b"hi")
    if not closes:
        answer = answer.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
    async with fetching(saying(*[answer] * 3, then_close=closes)) as (client, server):
        for came in (1, 2, 3):
            assert await page_of(client) == b"hi"
            assert server.came == came


@pytest.mark.gen_test
async def test_a_kept_connection_that_ends_as_it_is_used_is_no_error() -> None:
    """A server closes what was idle for too long: the request that crosses this is sent again, once."""
    asked = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        await reader.readuntil(b"\r\n\r\n")
        asked += 1
        writer.write(OK % (2, b"hi"))
        await reader.readuntil(b"\r\n\r\n")
        asked += 1

    async with fetching(serve) as (client, server):
        assert await page_of(client) == b"hi"
        assert await page_of(client) == b"hi"
        assert (server.came, asked) == (2, 3)


@pytest.mark.gen_test
async def test_a_new_connection_that_ends_unanswered_is_tried_once() -> None:
    async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")

    async with fetching(serve) as (client, server):
        with pytest.raises(ConnectionError):
            await page_of(client)
        assert server.came == 1


@pytest.mark.gen_test
@pytest.mark.parametrize("together", [True, False])
async def test_bytes_that_nobody_asked_for_are_never_the_next_page(together: bool) -> None:
    more = OK % (3, b"old")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK % (2, b"hi") + (more if together else b""))
        await asyncio.sleep(0.01)
        writer.write(b"" if together else more)
        await reader.read()

    async with fetching(serve) as (client, server):
        assert await page_of(client) == b"hi"
        await until(lambda: server.open == 0)
        assert await page_of(client) == b"hi"
        assert server.came == 2


@pytest.mark.gen_test
@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nX: ", OK % (100, b"hi")], ids=repr)
async def test_a_page_that_is_given_up_leaves_no_connection(start: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(start)
        if not start:
            await reader.read()  # until the client hangs up
            return
        while True:
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with fetching(serve) as (client, server):
        for came in (1, 2):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(WITHIN_S):
                    await page_of(client)
            assert server.came == came
        await until(lambda: server.open == 0)


@pytest.mark.gen_test
async def test_a_page_that_is_asked_for_again_is_given_up_and_only_the_second_one_is_told() -> None:
    asked = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        while True:
            await reader.readuntil(b"\r\n\r\n")
            asked += 1
            if asked != 2:
                writer.write(OK % (2, b"hi"))

    told: list[object] = []
    async with fetching(serve) as (client, server):
        assert await page_of(client) == b"hi"
        client.ask(told.append)
        await until(lambda: asked == 2)
        assert await page_of(client) == b"hi"
        await until(lambda: server.open == 1)
    assert told == []
    assert (asked, server.came) == (3, 2)


@pytest.mark.gen_test
async def test_a_page_that_is_given_up_while_its_connection_is_opened_leaves_none() -> None:
    async with fetching(saying(OK % (2, b"hi"), OK % (2, b"ho"))) as (client, server):
        client.ask(lambda _: pytest.fail("it was given up"))
        await asyncio.sleep(0)  # it is being opened now
        client.give_up()
        assert await page_of(client) == b"hi"
        await until(lambda: server.open == 1)


@pytest.mark.gen_test
async def test_a_closed_client_has_no_connection() -> None:
    async with fetching(saying(OK % (2, b"hi"))) as (client, server):
        assert await page_of(client) == b"hi"
        await client.close()
        await until(lambda: server.open == 0)


@pytest.mark.gen_test
async def test_an_address_where_nobody_listens_is_an_error() -> None:
    async with fetching(saying()) as (client, _):
        pass
    with pytest.raises(OSError, match=r"\d"):
        await page_of(client)


def test_a_host_that_can_t_be_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match="label"):
        PageClient("http://a..b:1/metrics?x", MOST)
