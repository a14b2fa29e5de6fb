"""Histories that are read from Prometheus: by its answers, and by those of servers that are none."""

import functools
import gzip
import json
import logging
import threading
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from prometheus_client import CollectorRegistry

from balancer.forecast.calendar_days import SLOT_MS, SLOTS
from balancer.forecast.prometheus import (
    CALENDAR,
    CARS_LOAD,
    MOST_BYTES,
    TIME_SCALE,
    PrometheusUnreachable,
    prometheus,
)
from balancer.forecast.prometheus_answers import AnswerUnusable
from balancer.forecast.recorder import QuarterHour, Reading
from balancer.forecast.service import forecasting
from balancer.forecast.substation_models import Series
from balancer.settings import Settings
from tests.integration.balancer.caller import caller
from tests.integration.balancer.grid import HOST, Plan, running, until
from tests.integration.balancer.test_history_pages import get
from tests.support.hostile_http import answering, response
from tests.support.ports import free_port

NOW_S = 1.8e9
PRESENT_MS = 10 * SLOTS * SLOT_MS
UNFILLED = "smartgrid_balancer_history_unfilled_substations"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNK = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"


def scraped(target: str, now_s: float = NOW_S) -> bytes:
    """The answers of a Prometheus that has scraped a substation for the last day, at time scale 1, with 7 kW of cars."""
    asked = parse_qs(urlsplit(target).query)
    expression, start, end, step = (asked[name][0] for name in ("query", "start", "end", "step"))
    times = [
        float(start) + n * float(step) for n in range(int((float(end) - float(start)) / float(step)) + 1)
    ]
    values: list[tuple[float, str]] = []
    if TIME_SCALE in expression:
        values = [(times[-1], "1")]
    elif CALENDAR in expression:
        values = [(at, str(at - now_s + PRESENT_MS / 1000)) for at in times if at > now_s - 86_400]
    elif CARS_LOAD in expression:
        values = [(at, "7000") for at in times]
    result = [{"metric": {}, "values": values}] if values else []
    body = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    return response(json.dumps(body).encode())


async def past(url: str, timeout_s: float = 30.0) -> list[QuarterHour]:
    async with prometheus(url, timeout_s) as source:
        return await source.past("s-1", PRESENT_MS, NOW_S)


@pytest.mark.gen_test
async def test_the_quarter_hours_that_prometheus_knows_are_read() -> None:
    with answering(scraped) as url:
        rows = await past(url)
    first = PRESENT_MS // SLOT_MS - SLOTS
    assert rows == [QuarterHour("s-1", slot, None, 7000.0) for slot in range(first, first + SLOTS)]


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        (response(b"<html>welcome</html>"), "none of Prometheus: '<html>welcome"),
        (response(b"not here", "404 Not Found"), "status 404: 'not here'"),
        (response(b'{"error": "invalid step"}', "400 Bad Request"), "status 400: invalid step"),
        (response(b"", "503 Service Unavailable"), "status 503"),
        (response(b"", "302 Found", "Location: http://127.0.0.1:1/"), "status 302"),
        (response(b" " * (MOST_BYTES + 1)), f"over {MOST_BYTES} bytes"),
        (CHUNKED + CHUNK * 20, f"over {MOST_BYTES} bytes"),
        (
            response(gzip.compress(b" " * 10**8), "200 OK", "Content-Encoding: gzip"),
            "none of Prometheus",
        ),
    ],
)
@pytest.mark.gen_test
async def test_a_wrong_answer_is_named(answer: bytes, named: str) -> None:
    with answering(lambda _: answer) as url, pytest.raises(AnswerUnusable, match=named):
        await past(url)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10**6 + b"\r\n\r\n",
    ],
)
@pytest.mark.gen_test
async def test_an_answer_that_breaks_off_counts_as_unreachable(answer: bytes) -> None:
    with answering(lambda _: answer) as url, pytest.raises(PrometheusUnreachable):
        await past(url)


@pytest.mark.gen_test
async def test_an_answer_that_does_not_end_is_given_up() -> None:
    begun = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"
    with (
        answering(lambda _: begun, hold=threading.Event()) as url,
        pytest.raises(PrometheusUnreachable, match="Timeout"),
    ):
        await past(url, timeout_s=0.2)


@pytest.mark.gen_test
async def test_nobody_at_the_address_is_unreachable() -> None:
    with pytest.raises(PrometheusUnreachable, match="Connect"):
        await past(f"http://127.0.0.1:{free_port()}")


@pytest.mark.gen_test
async def test_the_past_is_learned_once_prometheus_comes_and_forecasts_are_cold_until_then(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    registry, port = CollectorRegistry(), free_port()
    settings = Settings(data=tmp_path, history=f"http://127.0.0.1:{port}", poll_s=0.05)
    reading = Reading("s-1", PRESENT_MS, 7000)

    async def failed() -> bool:
        return caplog.text.count("Prometheus can't be reached") > 1  # it is tried again

    with caplog.at_level(logging.INFO):
        async with forecasting(settings, registry, lambda: [reading], lambda: ()) as service:
            await until(failed)
            assert registry.get_sample_value(UNFILLED) == 1
            assert service.forecaster.forecast("s-1", Series.CARS_LOAD) == ()
            with answering(lambda _: response(b"{}"), port):

                async def named() -> bool:
                    return "Prometheus answers wrongly" in caplog.text

                await until(named)
            with answering(functools.partial(scraped, now_s=time.time()), port):

                async def learned() -> bool:
                    return bool(service.forecaster.forecast("s-1", Series.CARS_LOAD))

                await until(learned)
            assert registry.get_sample_value(UNFILLED) == 0
            rows = await service.history.newest("s-1", 1)
            assert {row.cars_load_w for row in rows} == {7000.0}


@pytest.mark.gen_test
async def test_a_balancer_is_ready_and_places_while_prometheus_can_t_be_reached(tmp_path: Path) -> None:
    plan = Plan(history=f"http://127.0.0.1:{free_port()}")
    async with running(tmp_path, plan) as grid, caller(f"{HOST}:{grid.balancer_stream_port}") as client:
        assert (await get(grid, "/readyz"))[0] == 200
        await client.placed("key")
