"""Sends alarms to an HTTP receiver of the operator's: signed, in order, and again until they are taken.

After the Standard Webhooks specification 1.0: the headers `webhook-id`, `webhook-timestamp` and `webhook-signature`, with
HMAC-SHA256 over id, timestamp and body. Which event was taken last is on the disk, so that a restart neither forgets nor
repeats one. A receiver may still get an event twice, when its answer was lost; its id is the same then.
"""

import asyncio
import base64
import dataclasses
import datetime as dt
import hashlib
import hmac
import json
import logging
import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from admin_ui.alarms.rules import Rule, Severity
from admin_ui.alarms.store import AlarmStore
from admin_ui.grid.event_log import Event, EventLog

log = logging.getLogger(__name__)

EVENTS = frozenset({"raised", "cleared", "acknowledged"})
TIMEOUT_S = 10.0
LOOK_EVERY_S = 0.5
FIRST_WAIT_S, MOST_WAIT_S = 1.0, 300.0
LEAST_SECRET, MOST_SECRET = 24, 64  # bytes, as the specification has them
PREFIX = "whsec_"
MOST_WHY = 200  # characters of a fault that is shown


class SecretUnusable(OSError):
    """The file of the secret can't be read, or holds none; the message says which."""


def read_secret(path: Path) -> bytes:
    """Return the secret in a file, `whsec_` and base64 of 24 to 64 bytes; raises SecretUnusable."""
    try:
        text = path.read_text(encoding="ascii").strip()
        secret = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except OSError as error:
        raise SecretUnusable(f"{path}: {error.strerror}") from error
    except ValueError:
        secret = b""
    if not LEAST_SECRET <= len(secret) <= MOST_SECRET:
        raise SecretUnusable(
            f"{path}: base64 of {LEAST_SECRET} to {MOST_SECRET} bytes is accepted, with or without {PREFIX} before it"
        )
    return secret


@dataclasses.dataclass(frozen=True)
class Receiver:
    """Where alarms are sent, signed with `secret`, and which of them; `pages_url` is what links to the console begin with."""

    url: str
    secret: bytes = dataclasses.field(repr=False)
    severities: frozenset[Severity]
    pages_url: str = ""


class Webhook:
    """Follows the log of alarms. Use it on the event loop's thread."""

    def __init__(
        self, receiver: Receiver, rules: Mapping[str, Rule], events: EventLog, store: AlarmStore
    ) -> None:
        """`store` says which event was taken last; before the first start with a receiver, all are past."""
        sent = store.sent()
        self._store = store
        # An event that was passed over and not saved before a crash has left its number to another one.
        self.taken = events.number if sent is None else min(sent, events.number)
        self.why = ""  # the receiver did not take the last try; '' when it did
        self.failing_unix_s: float | None = None  # since when
        self._receiver = receiver
        self._rules = rules
        self._events = events

    def shown(self) -> dict[str, Any]:
        """Return how the sending goes, as browsers get it."""
        return {
            "waiting": sum(
                self._wanted(event) for event in self._events.events if event["number"] > self.taken
            ),
            "severities": sorted(self._receiver.severities),
            "failing_unix_s": self.failing_unix_s,
            "why": self.why,
        }

    async def follow(self, http: aiohttp.ClientSession) -> None:
        """Send each event that is wanted, until cancelled; after a failure wait twice as long as before."""
        wait_s = FIRST_WAIT_S
        await self._store.save_sent(self.taken)
        while True:
            try:
                all_taken = await self._send_all(http)
            except Exception as error:  # sending must go on, whatever one event or answer was like
                log.exception("an alarm could not be sent")
                self._record(f"{type(error).__name__} {error}".strip()[:MOST_WHY])
                all_taken = False
            if all_taken:
                wait_s = FIRST_WAIT_S
                await asyncio.sleep(LOOK_EVERY_S)
            else:
                await asyncio.sleep(random.uniform(wait_s / 2, wait_s))  # noqa: S311 - spreads the load
                wait_s = min(2 * wait_s, MOST_WAIT_S)

    async def _send_all(self, http: aiohttp.ClientSession) -> bool:
        for event in [event for event in self._events.events if event["number"] > self.taken]:
            if self._wanted(event) and not await self._send(http, event):
                return False
            self.taken = event["number"]
            await self._store.save_sent(self.taken)
        return True

    def _wanted(self, event: Event) -> bool:
        """Whether the receiver is to get an event. A muted alarm disturbs nobody."""
        rule = self._rules.get(str(event.get("rule")))
        chosen = rule is not None and rule.severity in self._receiver.severities
        return chosen and event["event"] in EVENTS and not event["muted"]

    async def _send(self, http: aiohttp.ClientSession, event: Event) -> bool:
        body = json.dumps(document(event, self._rules[event["rule"]], self._receiver.pages_url)).encode()
        number = f"alarm-{event['number']}-{round(event['unix_s'] * 1000)}"
        headers = signed(self._receiver.secret, number, int(time.time()), body)
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        try:
            async with http.post(
                self._receiver.url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                why = "" if answer.ok and answer.status < 300 else f"status {answer.status}"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            why = f"{type(error).__name__} {error}".strip()
        self._record(why[:MOST_WHY])
        return not why

    def _record(self, why: str) -> None:
        if why and not self.why:
            self.failing_unix_s = round(time.time(), 1)
            log.warning("the receiver of alarms does not take them", extra={"why": why})
        elif self.why and not why:
            self.failing_unix_s = None
            log.info("the receiver of alarms takes them again")
        self.why = why


def document(event: Event, rule: Rule, pages_url: str) -> dict[str, Any]:
    """Return what a receiver gets of an event; its links begin with `pages_url`."""
    return {
        "type": f"alarm.{event['event']}",
        "timestamp": dt.datetime.fromtimestamp(event["unix_s"], dt.UTC).isoformat(timespec="milliseconds"),
        "data": {
            "alarm_id": event["of"],
            "rule": rule.name,
            "severity": rule.severity,
            "title": rule.title,
            "substation_id": event["substation_id"],
            "description": event["said"],
            "action": rule.action,
            "by": event["by"],
            "runbook": f"{pages_url}/runbooks/{rule.name}",
        },
    }


def signed(secret: bytes, number: str, unix_s: int, body: bytes) -> dict[str, str]:
    """Return the headers of a signed message: Standard Webhooks 1.0, "Signature scheme"."""
    content = b".".join((number.encode(), str(unix_s).encode(), body))
    signature = base64.b64encode(hmac.digest(secret, content, hashlib.sha256)).decode()
    return {
        "Content-Type": "application/json",
        "webhook-id": number,
        "webhook-timestamp": str(unix_s),
        "webhook-signature": f"v1,{signature}",
    }
