"""Asks the gateway what the sessions of a run really reserved, before load above a limit is reported.

A 201 has the plan of a session. When a session is stopped early, another car gets its power, and the sum of both
plans may be above the limit although the load never was. So if sessions were stopped at a substation, or the sum is
above its limit, the run's sessions there are looked up.
"""

import asyncio
import contextlib
import dataclasses
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from urllib.parse import quote

import aiohttp

from loadtest.judge.conditions import What
from loadtest.judge.figures import recorded
from loadtest.judge.result import Measurements
from loadtest.record.records import W_PER_KW, Request, Session
from loadtest.send.credential import Credential
from loadtest.send.engine import decoded

AT_ONCE = 50
ANSWER_S = 5.0
WITHIN_S = 20.0


async def looked_up(
    http: aiohttp.ClientSession, gateway_url: str, credential: Credential, measured: Measurements
) -> Measurements:
    """Return the run with what its sessions really reserved; `unread_ends` counts those not read in time."""
    suspect = {each for each in measured.substation_ids if _suspect(measured, each)}
    wanted = {
        each.session.session_id: each.session
        for each in measured.requests
        if each.session and each.session.substation_id in suspect
    }
    if not wanted:
        return measured
    found: dict[str, Session] = {}

    async def work(sessions: Iterator[Session]) -> None:
        for session in sessions:
            if told := await _read(http, f"{gateway_url}/charge", credential, session):
                found[session.session_id] = told

    sessions = iter(list(wanted.values()))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(WITHIN_S), asyncio.TaskGroup() as workers:
            for _ in range(min(AT_ONCE, len(wanted))):
                workers.create_task(work(sessions))
    requests = list(_with(measured.requests, found))
    return dataclasses.replace(measured, requests=requests, unread_ends=len(wanted) - len(found))


def _suspect(measured: Measurements, substation_id: str) -> bool:
    """Whether sessions were stopped at a substation, or the sum of its plans was above its limit."""
    if any(each.what is What.STOPPED and each.target == substation_id for each in measured.changes):
        return True
    _, peak_kw = recorded(measured.requests, substation_id)
    limits_w = [
        s.readings[substation_id].capacity_w for s in measured.window() if substation_id in s.readings
    ]
    return peak_kw * W_PER_KW > max(limits_w, default=0.0)


async def _read(
    http: aiohttp.ClientSession, url: str, credential: Credential, session: Session
) -> Session | None:
    """Return a session as it was reserved, None when the answer does not say."""
    try:
        async with http.get(
            f"{url}/{quote(session.session_id, safe='')}",
            headers=credential.headers(),
            timeout=aiohttp.ClientTimeout(total=ANSWER_S),
            allow_redirects=False,
        ) as response:
            told = decoded(await response.text())
            if response.status != HTTPStatus.OK or not isinstance(told, dict):
                return None
            steps = told.get("reserved")
            return session.as_reserved(steps) if isinstance(steps, list) else None
    except (aiohttp.ClientError, OSError, ValueError):
        return None


def _with(requests: Iterable[Request], found: dict[str, Session]) -> Iterator[Request]:
    for each in requests:
        told = found.get(each.session.session_id) if each.session else None
        yield dataclasses.replace(each, session=told) if told else each
