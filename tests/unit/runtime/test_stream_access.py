"""Who is let in to a stream, and on which addresses it listens: through real sockets."""

import socket

import grpc.aio
import pytest

from runtime import stream_server
from runtime.operator_token import OperatorToken
from substation.proto import substation_pb2 as pb
from substation.proto import substation_pb2_grpc as rpc
from tests.support.stream_service import Service, echo

TOKEN = OperatorToken("t" * 32)
WRONG = (
    (),
    (("authorization", "Bearer " + "t" * 31),),
    (("authorization", "t" * 32),),
    (*TOKEN.metadata(), *TOKEN.metadata()),
)


async def ended(port: int, metadata: tuple[tuple[str, str], ...]) -> grpc.StatusCode | None:
    """Open a stream; returns how it ended, None when it was let in."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stream = rpc.SubstationStub(channel).Converse(metadata=metadata)  # type: ignore[no-untyped-call]
        try:
            await stream.write(pb.Calls())
            greeting = await stream.read()
        except grpc.aio.AioRpcError as error:
            code: grpc.StatusCode = error.code()
            return code
        stream.cancel()
        return None if greeting is not grpc.aio.EOF else await stream.code()


@pytest.mark.gen_test
async def test_a_stream_that_does_not_begin_with_the_token_is_refused() -> None:
    service = Service(echo)
    async with stream_server.listen(service.register, "127.0.0.1", 0, token=TOKEN) as port:
        for metadata in WRONG:
            assert await ended(port, metadata) == grpc.StatusCode.UNAUTHENTICATED
        assert service.messages == []
        assert await ended(port, TOKEN.metadata()) is None


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
@pytest.mark.parametrize(
    ("address", "reached"),
    [("127.0.0.1", {"127.0.0.1"}), ("0.0.0.0", {"127.0.0.1", "127.0.0.2"}), ("::1", {"::1"})],
)
@pytest.mark.gen_test
async def test_a_stream_listens_on_its_address_and_on_no_other(address: str, reached: set[str]) -> None:
    async with stream_server.listen(Service(echo).register, address, 0) as port:
        assert {host for host in ("127.0.0.1", "127.0.0.2", "::1") if answers(host, port)} == reached


@pytest.mark.gen_test
async def test_a_port_that_is_taken_on_all_addresses_is_said() -> None:
    async with stream_server.listen(Service(echo).register, "0.0.0.0", 0) as port:
        with pytest.raises(OSError, match=f"can't listen on 0.0.0.0:{port}: is the port taken"):
            async with stream_server.listen(Service(echo).register, "0.0.0.0", port):
                pass


def answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError:
        return False
    return True
