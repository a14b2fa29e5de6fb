"""Alarms reach a real receiver: signed, in order, each once, and again after failures and restarts."""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from admin_ui.alarms import webhook
from admin_ui.alarms.rules import RULES, Severity
from admin_ui.alarms.store import AlarmStore
from admin_ui.alarms.webhook import Receiver, SecretUnusable, Webhook, read_secret
from admin_ui.grid.event_log import EventLog
from admin_ui.settings import SEVERITIES
from tests.support.ports import free_port
from tests.support.stream_service import until

SECRET = b"a secret of thirty-two bytes, so"
UNIX_S = 1_800_000_000.2

PAGES_URL = "https://grid.example/console"


class Heard:
    """A receiver that checks each signature as the specification says, and answers what it is told to."""

    def __init__(self) -> None:
        self.answers: list[int] = []  # of the next requests; then 204
        self.messages: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self.asked = 0

    async def take(self, request: web.Request) -> web.Response:
        self.asked += 1
        body = await request.read()
        number, unix_s = request.headers["webhook-id"], request.headers["webhook-timestamp"]
        expected = hmac.digest(SECRET, f"{number}.{unix_s}.".encode() + body, hashlib.sha256)
        assert request.headers["webhook-signature"] == f"v1,{base64.b64encode(expected).decode()}"
        status = self.answers.pop(0) if self.answers else 204
        if status == 204:
            self.ids.append(number)
            self.messages.append(json.loads(body))
        return web.Response(status=status, headers={"Location": "/elsewhere"} if status == 307 else {})


@contextlib.asynccontextmanager
async def receiver(heard: Heard, port: int) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/alarms", heard.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}/alarms"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def sending(data: Path, events: EventLog, url: str, *severities: Severity) -> AsyncIterator[Webhook]:
    store = AlarmStore(data)
    chosen = Receiver(url, SECRET, frozenset(severities or {Severity.CRITICAL}), PAGES_URL)
    made = Webhook(chosen, RULES, events, store)
    async with aiohttp.ClientSession() as http:
        task = asyncio.create_task(made.follow(http))
        try:
            yield made
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await store.close()


def note(events: EventLog, rule: str = "SubstationOverload", event: str = "raised", muted: str = "") -> None:
    about = {"of": events.next_number, "rule": rule, "substation_id": "substation-1"}
    events.note(event, UNIX_S, about, said="1,500 of 1,400 kW", muted=muted)


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(webhook, "LOOK_EVERY_S", 0.01)


@pytest.mark.gen_test
async def test_what_was_chosen_arrives_in_order_and_says_what_to_do(tmp_path: Path) -> None:
    events, heard = EventLog(), Heard()
    async with receiver(heard, free_port()) as url, sending(tmp_path, events, url):
        note(events)
        note(events, rule="LoadImbalance")  # a warning
        note(events, muted="mute")
        note(events, event="cleared")
        await until(lambda: len(heard.messages) >= 2)
    assert [message["type"] for message in heard.messages] == ["alarm.raised", "alarm.cleared"]
    first = heard.messages[0]
    assert first["timestamp"] == "2027-01-15T08:00:00.200+00:00"
    assert first["data"] == {
        "alarm_id": 1,
        "rule": "SubstationOverload",
        "severity": "critical",
        "title": RULES["SubstationOverload"].title,
        "substation_id": "substation-1",
        "description": "1,500 of 1,400 kW",
        "action": RULES["SubstationOverload"].action,
        "by": "",
        "runbook": f"{PAGES_URL}/runbooks/SubstationOverload",
    }


@pytest.mark.gen_test
async def test_a_receiver_that_refuses_redirects_or_is_away_gets_each_event_in_order_later(
    tmp_path: Path,
) -> None:
    events, heard, port = EventLog(), Heard(), free_port()
    url = f"http://127.0.0.1:{port}/alarms"
    async with sending(tmp_path, events, url, Severity.CRITICAL, Severity.WARNING) as made:
        note(events)
        note(events, rule="LoadImbalance")
        await until(lambda: made.why != "")
        assert made.shown()["waiting"] == 2
        assert made.shown()["failing_unix_s"]
        heard.answers = [500, 307, 404]
        async with receiver(heard, port):
            await until(lambda: len(heard.messages) >= 2)
            idle = {"waiting": 0, "severities": ["critical", "warning"], "failing_unix_s": None, "why": ""}
            await until(lambda: made.shown() == idle)
    assert [message["data"]["rule"] for message in heard.messages] == ["SubstationOverload", "LoadImbalance"]
    assert heard.asked == 5


@pytest.mark.gen_test
async def test_a_restart_neither_forgets_nor_repeats_and_the_past_of_a_first_start_is_not_sent(
    tmp_path: Path,
) -> None:
    events, heard, port = EventLog(), Heard(), free_port()
    note(events, rule="BalancerLost")  # before there was a receiver
    async with receiver(heard, port) as url:
        async with sending(tmp_path, events, url) as made:
            note(events)
            await until(
                lambda: made.taken == events.number
            )  # else the answer may be lost, and it is sent again
        note(events)  # while the console is down
        async with sending(tmp_path, EventLog(events.events, events.number), url):
            await until(lambda: len(heard.messages) >= 2)
    assert len(set(heard.ids)) == 2
    assert {message["data"]["rule"] for message in heard.messages} == {"SubstationOverload"}


@pytest.mark.gen_test
async def test_what_was_taken_is_saved_though_the_console_stops_at_that_moment(tmp_path: Path) -> None:
    store = AlarmStore(tmp_path)
    saves = [asyncio.create_task(store.save_sent(number)) for number in range(1, 21)]
    await asyncio.sleep(0)
    for each in saves:
        each.cancel()
    await asyncio.gather(*saves, return_exceptions=True)
    await store.close()
    again = AlarmStore(tmp_path)
    assert again.sent() == 20
    await again.close()


@pytest.mark.gen_test
async def test_an_event_that_a_crash_has_forgotten_hides_no_later_one_with_its_number(tmp_path: Path) -> None:
    heard, port = Heard(), free_port()
    async with receiver(heard, port) as url:
        events = EventLog()
        async with sending(tmp_path, events, url) as made:
            note(events, event="lost")  # nobody is told of it, and it is not saved before the console ends
            await until(lambda: made.taken == 1)
        again = EventLog()
        async with sending(tmp_path, again, url):
            note(again)
            await until(lambda: len(heard.messages) >= 1)


@pytest.mark.parametrize("text", ["", "whsec_", "not base64!", base64.b64encode(b"too short").decode()])
def test_a_secret_that_is_none_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    file = tmp_path / "secret"
    file.write_text(text)
    with pytest.raises(SecretUnusable, match="base64 of 24 to 64 bytes is accepted") as caught:
        read_secret(file)
    assert not text or text not in str(caught.value).replace("whsec_ before", "")
    with pytest.raises(SecretUnusable, match="No such file"):
        read_secret(tmp_path / "nothing")


def test_a_secret_may_have_the_prefix_of_the_specification(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"whsec_{base64.b64encode(SECRET).decode()}\n")
    assert read_secret(file) == SECRET
    assert repr(Receiver("http://x/", SECRET, frozenset())).count("secret of") == 0


def test_the_severities_of_the_settings_are_those_of_the_rules() -> None:
    assert tuple(Severity) == SEVERITIES
