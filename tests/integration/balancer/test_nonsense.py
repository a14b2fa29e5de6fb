"""Messages that no gateway of this project sends are answered, and affect no other call on the stream."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from balancer.proto import balancer_pb2 as pb
from balancer.wire import PROTOCOL
from runtime.stream_hello import Hello
from tests.integration.balancer.grid import HOST, Plan, running
from tests.support.postgres import QUICK, server
from tests.support.raw_stream import raw_stream


@pytest.fixture(params=["", "postgres"], ids=["in a file", "in PostgreSQL"])
def order_book(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the order book is: one key that can't be kept must not fail the statement of the others."""
    if not request.param:
        yield ""
        return
    with server(tmp_path_factory.getbasetemp(), *QUICK) as database:
        yield database.url


@pytest.mark.gen_test
async def test_a_plan_that_nobody_could_carry_out_is_answered_beside_one_that_is_admitted(
    tmp_path: Path, order_book: str
) -> None:
    async with running(tmp_path, Plan(order_book=order_book)) as grid:
        calls = [
            pb.Call(number=1, remaining_ms=9000, charge=pb.Charge(vehicle_id="bad", energy_j=-5, power_w=0)),
            pb.Call(number=2, remaining_ms=9000),
            pb.Call(
                number=3,
                remaining_ms=9000,
                charge=pb.Charge(vehicle_id="good", energy_j=10**6, power_w=10**3),
            ),
            pb.Call(
                number=4,
                remaining_ms=9000,
                charge=pb.Charge(key="N\0UL", vehicle_id="nul", energy_j=10**6, power_w=10**3),
            ),
            pb.Call(
                number=5,
                remaining_ms=9000,
                charge=pb.Charge(key="key", vehicle_id="keyed", energy_j=10**6, power_w=10**3),
            ),
        ]
        outcomes: dict[int, str] = {}
        address = f"{HOST}:{grid.balancer_stream_port}"
        async with raw_stream(address, Hello(PROTOCOL), pb.Answers) as stream:
            stream.write(pb.Calls(calls=calls))
            while len(outcomes) < len(calls):
                message = await stream.read()
                assert message
                outcomes |= {answer.number: answer.outcome for answer in message.answers}
        assert outcomes == {
            1: "exceeds_capacity",
            2: "not_found",
            3: "admitted",
            4: "exceeds_capacity",
            5: "admitted",
        }
