"""A gateway in front of a balancer's wire, whose answers the test gives.

The other end is a real gRPC server that speaks the balancer's protocol. It stands in for the balancer
only for what a test must steer by the moment: the answer that does not come, the page with a cursor.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc.aio

from balancer.proto import balancer_pb2 as pb
from balancer.proto import balancer_pb2_grpc as rpc
from runtime import stream_server
from runtime.stream_server import Conversation
from tests.integration.balancer.grid import HOST, Plan, built, until
from tests.integration.gateway.api import Api, api_of

Handler = Callable[[pb.Call], Awaitable[pb.Answer]]


class Wire(rpc.BalancerServicer):
    """The balancer's protocol in front of a handler of the test."""

    def __init__(self, handle: Handler) -> None:
        self._handle = handle

    async def Converse(self, request_iterator: Any, context: Any) -> None:  # noqa: ARG002, N802 - gRPC's name
        await Conversation(self._decode, self._handle, self._encode).run(context)

    def register(self, server: grpc.aio.Server) -> None:
        rpc.add_BalancerServicer_to_server(self, server)  # type: ignore[no-untyped-call]

    def _decode(self, message: pb.Calls) -> tuple[list[tuple[int, pb.Call]], list[int]]:
        return [(call.number, call) for call in message.calls], list(message.cancelled)

    def _encode(self, answers: list[tuple[int, pb.Answer]]) -> pb.Answers:
        for number, answer in answers:
            answer.number = number
        return pb.Answers(answers=[answer for _, answer in answers])


@asynccontextmanager
async def wired(folder: Path, handle: Handler, **settings: str) -> AsyncIterator[Api]:
    """A ready gateway with these settings, whose calls `handle` answers."""
    async with built(folder, Plan(capacities_kw=(), gateway=settings)) as grid:
        service = Wire(handle)
        async with stream_server.listen(service.register, HOST, grid.balancer_grpc_port):
            await grid.start("gateway")

            async def ready() -> bool:
                async with grid.session.get(f"{grid.gateway_url}/readyz") as response:
                    return response.status == 200

            await until(ready)
            yield await api_of(grid)
            await grid.stop("gateway")


async def never(_: pb.Call) -> pb.Answer:
    await asyncio.Event().wait()
    raise AssertionError
