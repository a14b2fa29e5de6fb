"""A balancer with answers that this gateway does not understand: one caller gets an error, and no other is affected."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from balancer.proto import balancer_pb2 as pb
from balancer.wire import PROTOCOL
from gateway.app import gateway
from gateway.settings import Settings
from runtime import stream_server
from runtime.message_stream import MessageStream
from runtime.settings import load
from runtime.stream_server import Conversation
from substation.proto import substation_pb2 as substation_pb
from tests.integration.balancer.grid import HOST, until
from tests.support.ports import free_ports

GOOD: dict[str, Any] = {
    "session_id": "s-1.a",
    "substation_id": "s-1",
    "vehicle_id": "car",
    "state": "charging",
    "energy_j": 1,
    "power_w": 1,
}
STRANGE = {
    "an outcome of a newer version": pb.Answer(outcome="postponed"),
    "no outcome": pb.Answer(),
    "an admission without a session": pb.Answer(outcome="admitted"),
    "a find without a session": pb.Answer(outcome="found"),
    "a stop without a session": pb.Answer(outcome="stopped"),
    "an answer to an operator": pb.Answer(outcome="done"),
    "a session of nothing": pb.Answer(outcome="admitted", session=substation_pb.Session()),
    "a state of a newer version": pb.Answer(
        outcome="admitted", session=substation_pb.Session(**(GOOD | {"state": "dreaming"}))
    ),
    "a plan of nothing": pb.Answer(
        outcome="found", session=substation_pb.Session(**(GOOD | {"energy_j": 0}))
    ),
    "a listed session of nothing": pb.Answer(outcome="found", sessions=[substation_pb.Session()]),
}


class Strange:
    """Answers every call alike, but a look for `sound` as it should."""

    protocol = PROTOCOL
    calls = pb.Calls

    def __init__(self, answer: pb.Answer) -> None:
        self._answer = answer

    def finish(self) -> None:
        """The gateway ends its stream before the test does."""

    async def converse(self, stream: MessageStream[Any]) -> None:
        def decode(message: pb.Calls) -> tuple[list[tuple[int, pb.Call]], list[int]]:
            return [(call.number, call) for call in message.calls], []

        async def handle(call: pb.Call) -> pb.Answer:
            if call.find.session_id == "sound":
                return pb.Answer(outcome="found", session=substation_pb.Session(**GOOD))
            return self._answer

        def encode(answers: list[tuple[int, pb.Answer]]) -> pb.Answers:
            numbered = []
            for number, answer in answers:
                numbered.append(pb.Answer(number=number))
                numbered[-1].MergeFrom(answer)
            return pb.Answers(answers=numbered)

        await Conversation(decode, handle, encode).run(stream)


@asynccontextmanager
async def answered(answer: pb.Answer) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    (port,) = free_ports(1)
    async with stream_server.listen(Strange(answer), HOST, 0) as balancer_port:
        settings = {"GATEWAY_PORT": str(port), "BALANCER": f"{HOST}:{balancer_port}"}
        async with gateway(load(Settings, settings)), aiohttp.ClientSession() as session:

            async def ready() -> bool:
                async with session.get(f"http://{HOST}:{port}/readyz") as reply:
                    return reply.status == 200

            await until(ready)
            yield session, f"http://{HOST}:{port}/charge"


@pytest.mark.gen_test
@pytest.mark.parametrize("answer", STRANGE.values(), ids=STRANGE)
async def test_an_answer_that_can_t_be_used_is_an_unknown_outcome_and_ends_no_stream(
    answer: pb.Answer,
) -> None:
    async with answered(answer) as (session, url):
        async with session.post(url, json={"vehicle_id": "car"}) as reply:
            document = await reply.json()
            assert (reply.status, document["type"].rpartition(":")[2]) == (503, "outcome-unknown")
            assert int(reply.headers["Retry-After"]) >= 1
        for method in ("GET", "DELETE"):
            async with session.request(method, f"{url}/s-1.a") as reply:
                assert reply.status == 503
        async with session.get(f"{url}/sound") as reply:
            assert reply.status == 200
