"""Asks a Prometheus for the past of a substation."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from balancer.forecast.calendar_days import SLOT_MS
from balancer.forecast.forecaster import LEARNED_DAYS
from balancer.forecast.history import KEPT_DAYS
from balancer.forecast.prometheus_answers import (
    MS,
    AnswerUnusable,
    PastSamples,
    error_text,
    quarter_hours,
    read_samples,
)
from balancer.forecast.recorder import QuarterHour

DAY_S = 86_400
LEAST_STEP_S = 1.0  # Prometheus is rarely scraping more often
READINGS = 5  # of a quarter hour; the mean of a load that varies by a third is then known to a tenth or so
MOST_POINTS = 10_000  # in one answer; Prometheus refuses more than 11,000
MOST_BYTES = 2**20  # of one answer: a point has about 30
TIMEOUT_S = 30.0
REPORT_AGE_S = 10.0  # of the report that told the present time, at most: Prometheus may have scraped since
CHUNK_BYTES = 2**16
OK = 200
LOWEST_SCALE, HIGHEST_SCALE = 0.001, 100_000.0  # as TIME_SCALE

TIME_SCALE = "smartgrid_time_scale"
CALENDAR = "smartgrid_substation_calendar_seconds"
CARS_LOAD = "smartgrid_substation_load_watts"
BASE_LOAD = "smartgrid_substation_base_load_watts"
STALE = "smartgrid_substation_base_load_stale"


class PrometheusUnreachable(Exception):
    """No answer came; the message says why."""


class Prometheus:
    """A Prometheus that scrapes the substations; for its answers nothing is taken for granted."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        """`url` is its base URL."""
        self._url = f"{url}/api/v1/query_range"
        self._session = session

    async def past(self, substation_id: str, present_ms: int, now_s: float) -> list[QuarterHour]:
        """Return the quarter hours of a substation that Prometheus can tell, at most LEARNED_DAYS of grid time.

        `present_ms` is the substation's calendar time and `now_s` the Unix time at this moment. Raises
        PrometheusUnreachable, AnswerUnusable.
        """
        scale = await self._scale(substation_id, now_s)
        if scale is None:
            return []
        step_s = step(scale)
        own = f"{{substation='{substation_id}'}}"
        # What a substation assumes while its meter is silent is nothing to learn from.
        series = (CALENDAR + own, CARS_LOAD + own, f"{BASE_LOAD}{own} unless {STALE}{own} == 1")
        times = spans(now_s, scale, step_s)
        # A substation that is scraped twice counts once.
        past = PastSamples(*[await self._all(f"max({each})", times, step_s) for each in series])
        ahead_ms = round(REPORT_AGE_S * scale * MS)
        return await asyncio.to_thread(quarter_hours, substation_id, past, present_ms, ahead_ms)

    async def _scale(self, substation_id: str, now_s: float) -> float | None:
        """Return the time scale that was scraped last; None where the substation was never scraped."""
        newest = f"last_over_time({TIME_SCALE}{{substation='{substation_id}'}}[{KEPT_DAYS}d])"
        found = await self._all(f"max({newest})", [(now_s, now_s)], LEAST_STEP_S)
        scale = next(iter(found.values()), None)
        if scale is not None and not LOWEST_SCALE <= scale <= HIGHEST_SCALE:
            raise AnswerUnusable(f"the time scale is {scale:g}")
        return scale

    async def _all(
        self, expression: str, times: list[tuple[float, float]], step_s: float
    ) -> dict[int, float]:
        found: dict[int, float] = {}
        for from_s, until_s in times:
            asked = {"query": expression, "start": f"{from_s:.3f}", "end": f"{until_s:.3f}"}
            body = await self._get(asked | {"step": f"{step_s:.3f}"})
            found |= await asyncio.to_thread(
                read_samples, body, round(from_s * MS) - 1, round(until_s * MS) + 1
            )
        return found

    async def _get(self, asked: dict[str, str]) -> bytes:
        try:
            async with self._session.get(self._url, params=asked, allow_redirects=False) as response:
                body = b""
                async for chunk in response.content.iter_chunked(CHUNK_BYTES):
                    body += chunk
                    if len(body) > MOST_BYTES:
                        raise AnswerUnusable(f"an answer is over {MOST_BYTES} bytes")
        except (OSError, aiohttp.ClientError) as error:  # TimeoutError is one of OSError
            raise PrometheusUnreachable(f"{type(error).__name__} {error}".strip()) from error
        if response.status != OK:
            raise AnswerUnusable(f"status {response.status}: {error_text(body)}")
        return body


@asynccontextmanager
async def prometheus(url: str, timeout_s: float = TIMEOUT_S) -> AsyncIterator[Prometheus]:
    """Ask the Prometheus at `url` while the context lasts; an answer may take `timeout_s`."""
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=timeout_s),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept-Encoding": "identity"},
        auto_decompress=False,  # a small answer can't become a large one
    ) as session:
        yield Prometheus(url, session)


def step(scale: float) -> float:
    """Return the wall seconds between two samples that are asked for, at a time scale: READINGS a quarter hour."""
    return max(LEAST_STEP_S, round(SLOT_MS / MS / scale / READINGS, 3))


def spans(now_s: float, scale: float, step_s: float) -> list[tuple[float, float]]:
    """Return the times, from and until, of the queries for LEARNED_DAYS of grid time, but at most KEPT_DAYS of wall time."""
    from_s = now_s - min(LEARNED_DAYS / scale, KEPT_DAYS) * DAY_S
    found = []
    while from_s <= now_s:
        until_s = min(from_s + (MOST_POINTS - 1) * step_s, now_s)
        found.append((from_s, until_s))
        from_s = until_s + step_s
    return found
