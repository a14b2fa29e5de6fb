"""How requests are sent: again where that may help, never late unseen, and with the key that is asked for."""

import asyncio
import dataclasses
import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from loadtest.plan.arrivals import rush_hour
from loadtest.record.records import Request, RequestOutcome
from loadtest.send import engine as engine_module
from loadtest.send.engine import Engine, SendingOptions
from loadtest.send.retrying import RetryPolicy
from loadtest.send.stop import StopSignal
from tests.loadtest.fake import FakeGrid, rush, two

Answer = Callable[[FakeGrid, dict[str, Any]], web.Response]


def problem(status: int, after: str | None = None, **members: str) -> web.Response:
    body = {"type": "/problems/some", "status": status, **members}
    return web.json_response(body, status=status, headers={"Retry-After": after} if after else {})


class Turns:
    """Answers each car's requests in turn, and admits it when the turns are over."""

    def __init__(self, *turns: Callable[[], web.Response]) -> None:
        self._turns = turns
        self._asked: dict[str, int] = {}

    def __call__(self, grid: FakeGrid, body: dict[str, Any]) -> web.Response:
        turn = self._asked.get(body["vehicle_id"], 0)
        self._asked[body["vehicle_id"]] = turn + 1
        return self._turns[turn]() if turn < len(self._turns) else grid.admit(body)


def sent(answer: Answer, retries: int, cars: int = 3) -> tuple[FakeGrid, Engine]:
    grid = two()
    grid.answer = answer

    async def scenario() -> Engine:
        plan = [dataclasses.replace(car, at_s=0.0) for car in rush_hour(1, cars, 1, random.Random(1))]
        async with grid.serving(), aiohttp.ClientSession() as http:
            engine = Engine(http, grid.url, "run", time.time, SendingOptions(10, RetryPolicy(retries)))
            await engine.run(plan, time.time(), StopSignal())
        return engine

    return grid, asyncio.run(scenario())


def outcomes(request: Request) -> list[RequestOutcome]:
    return [attempt.outcome for attempt in request.attempts]


def test_a_refused_car_comes_back_with_the_same_key_after_the_time_it_was_told() -> None:
    grid, engine = sent(Turns(lambda: problem(503, "1")), retries=2)
    assert sorted(grid.keys) == ["run-0", "run-0", "run-1", "run-1", "run-2", "run-2"]
    assert engine.sent == 3
    assert engine.outcomes == {RequestOutcome.ADMITTED: 3}
    for request in engine.requests:
        first, second = request.attempts
        assert outcomes(request) == [RequestOutcome.REFUSED, RequestOutcome.ADMITTED]
        assert second.sent_unix_s - first.answered_unix_s >= 1
        assert request.sent_unix_s == first.sent_unix_s
        assert request.answered_unix_s == second.answered_unix_s
        assert request.response_ms >= 1000 > second.service_ms


@pytest.mark.parametrize(
    ("again", "outcome"),
    [
        (lambda: problem(429, "0"), RequestOutcome.REFUSED),
        (lambda: problem(503, "0", outcome="unknown"), RequestOutcome.FAILED),
        (lambda: web.Response(status=503, headers={"Retry-After": "0"}), RequestOutcome.FAILED),
    ],
)
def test_what_may_be_repeated_is_repeated_as_often_as_asked_for_and_counts_once(
    again: Callable[[], web.Response], outcome: RequestOutcome
) -> None:
    grid, engine = sent(lambda *_: again(), retries=3, cars=1)
    (request,) = engine.requests
    assert len(grid.keys) == 4
    assert outcomes(request) == [outcome] * 4
    assert engine.outcomes == {outcome: 1}


@pytest.mark.parametrize("status", [400, 409, 422, 500])
def test_what_a_repetition_would_not_change_is_sent_once(status: int) -> None:
    grid, engine = sent(lambda *_: problem(status, "0"), retries=3, cars=1)
    assert len(grid.keys) == len(engine.requests[0].attempts) == 1
    assert engine.outcomes == {RequestOutcome.FAILED: 1}


def test_a_time_to_come_back_beyond_what_a_client_waits_is_a_final_no_at_once() -> None:
    grid, engine = sent(lambda *_: problem(503, "3600"), retries=3, cars=1)
    assert len(grid.keys) == 1
    assert engine.outcomes == {RequestOutcome.REFUSED: 1}


def test_a_lost_connection_is_tried_again_with_the_same_key() -> None:
    """Two connections are cut before an answer, the third is served."""
    grid, asked = two(), []

    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        if len(asked) > 2:
            document = json.dumps({"type": "/problems/some"}).encode()
            head = f"HTTP/1.1 422 No\r\nContent-Length: {len(document)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + document)
        writer.close()

    async def scenario() -> Engine:
        server = await asyncio.start_server(cut, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server, aiohttp.ClientSession() as http:
            engine = Engine(http, url, "run", time.time, SendingOptions(1, RetryPolicy(5)))
            await engine.run(rush_hour(1, 1, 0.1, random.Random(1)), time.time(), StopSignal())
        return engine

    engine = asyncio.run(scenario())
    assert len(asked) == 3
    assert all(b"Idempotency-Key: run-0\r\n" in head for head in asked)
    (request,) = engine.requests
    assert [attempt.status for attempt in request.attempts] == [None, None, 422]
    assert not grid.keys


def test_a_stop_ends_the_waiting_for_another_try() -> None:
    grid = two()
    grid.answer = lambda *_: problem(503, "29")

    async def scenario() -> Engine:
        stop = StopSignal()
        async with grid.serving(), aiohttp.ClientSession() as http:
            engine = Engine(http, grid.url, "run", time.time, SendingOptions(1, RetryPolicy(5)))
            plan = rush_hour(1, 1, 0.1, random.Random(1))
            running = asyncio.create_task(engine.run(plan, time.time(), stop))
            await grid.arrived.wait()
            stop.set()
            await running
        return engine

    engine = asyncio.run(scenario())
    assert engine.outcomes == {RequestOutcome.REFUSED: 1}
    assert len(grid.keys) == 1


def test_a_request_that_finds_no_slot_in_time_is_never_sent_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(engine_module, "SLOT_WITHIN_S", 0.2)
    grid = two()

    async def scenario() -> Engine:
        grid.hold = asyncio.Event()
        plan = [dataclasses.replace(car, at_s=0.0) for car in rush_hour(1, 5, 1, random.Random(1))]
        async with grid.serving(), aiohttp.ClientSession() as http:
            engine = Engine(http, grid.url, "run", time.time, SendingOptions(2, RetryPolicy(0)))
            running = asyncio.create_task(engine.run(plan, time.time(), StopSignal()))
            while engine.no_slot < 3:  # noqa: ASYNC110 - the engine tells nobody
                await asyncio.sleep(0.01)
            grid.hold.set()
            await running
        return engine

    engine = asyncio.run(scenario())
    assert (engine.sent, engine.no_slot, len(grid.keys)) == (2, 3, 2)
    assert len(engine.requests) == 2


def test_first_and_final_refusals_are_told_apart_in_the_result(tmp_path: Path) -> None:
    grid = two()
    grid.answer = Turns(lambda: problem(503, "1"))
    ended = rush(grid, "--seconds", "3", "--fail-if", "max_mean>2", "--json", str(tmp_path / "result.json"))
    assert ended.code == 1, ended.out + ended.err
    (broken,) = [line for line in ended.out.splitlines() if "BROKEN" in line]
    assert "first_refused" in broken
    document = json.loads((tmp_path / "result.json").read_text())
    figures = document["result"]
    assert (figures["admitted"], figures["refused"], figures["first_refused"], figures["retries"]) == (
        40,
        0,
        40,
        40,
    )
    assert figures["response_ms"]["p50"] >= 1000 > figures["service_ms"]["max"]
    assert all(request["attempts"] == len(request["attempt_log"]) == 2 for request in document["requests"])
    assert all(
        request["substation_id"] == request["body"]["substation_id"] for request in document["requests"]
    )


@pytest.mark.parametrize("way", ["file", "environment"])
def test_a_key_lets_a_rush_hour_in_and_is_written_nowhere(way: str, tmp_path: Path) -> None:
    secret = "a-key-that-nobody-sees"
    (tmp_path / "key").write_text(f"{secret}\n")
    grid = two()
    grid.lets_in = f"Bearer {secret}"
    options = ["--fail-if", "max_mean>2", "--json", str(tmp_path / "result.json")]
    if way == "file":
        ended = rush(grid, *options, "--api-key-file", str(tmp_path / "key"), API_KEY="another")
    else:
        ended = rush(grid, *options, API_KEY=secret)
    assert ended.code == 0, ended.out + ended.err
    assert len(grid.keys) == 40
    assert secret not in ended.out + ended.err + (tmp_path / "result.json").read_text()


def test_a_gateway_that_asks_for_a_key_ends_a_run_without_one_with_3() -> None:
    grid = two()
    grid.lets_in = "Bearer something"
    ended = rush(grid)
    assert ended.code == 3
    assert "--api-key-file" in ended.err
    assert not grid.keys
