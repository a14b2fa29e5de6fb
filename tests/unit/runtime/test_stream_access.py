"""Who is let in to a stream, and on which addresses it listens: through real sockets."""

import socket

import pytest

from runtime import stream_server
from runtime.message_stream import StreamLost
from runtime.operator_token import OperatorToken
from runtime.stream_hello import Hello, connected
from substation.proto import substation_pb2 as pb
from substation.wire import PROTOCOL
from tests.support.stream_service import Service, echo, serving
from tests.support.substation_stream import raw_stream_to

TOKEN = OperatorToken("t" * 32)
WRONG = ("", "Bearer " + "t" * 31, "t" * 32, f"{TOKEN.field}, {TOKEN.field}")


@pytest.mark.gen_test
async def test_a_stream_that_does_not_begin_with_the_token_is_refused() -> None:
    service = Service(echo)
    async with stream_server.listen(service, "127.0.0.1", 0, token=TOKEN) as port:
        for authorization in WRONG:
            with pytest.raises(StreamLost, match="refuses the stream: the operator token is required"):
                async with raw_stream_to(port, authorization):
                    pass
        assert service.messages == []
        async with raw_stream_to(port, TOKEN.field) as stream:
            assert await stream.read() == pb.Answers()  # the greeting


@pytest.mark.gen_test
async def test_a_stream_of_another_protocol_is_refused_and_says_which_is_spoken() -> None:
    async with serving(echo) as (_, port):
        hello = Hello("smartgrid.balancer/1")
        with pytest.raises(StreamLost, match=f"this is {PROTOCOL}, not smartgrid.balancer/1"):
            async with connected(f"127.0.0.1:{port}", hello, pb.Answers):
                pass


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
@pytest.mark.parametrize(
    ("address", "reached"),
    [("127.0.0.1", {"127.0.0.1"}), ("0.0.0.0", {"127.0.0.1", "127.0.0.2"}), ("::1", {"::1"})],
)
@pytest.mark.gen_test
async def test_a_stream_listens_on_its_address_and_on_no_other(address: str, reached: set[str]) -> None:
    async with stream_server.listen(Service(echo), address, 0) as port:
        assert {host for host in ("127.0.0.1", "127.0.0.2", "::1") if answers(host, port)} == reached


@pytest.mark.gen_test
async def test_a_port_that_is_taken_on_all_addresses_is_said() -> None:
    async with stream_server.listen(Service(echo), "0.0.0.0", 0) as port:
        with pytest.raises(OSError, match=f"can't listen on 0.0.0.0:{port}: is the port taken"):
            async with stream_server.listen(Service(echo), "0.0.0.0", port):
                pass


def answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError:
        return False
    return True
