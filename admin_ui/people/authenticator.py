"""Authenticates people: checks name and password against the file of people, limits attempts, and audits them."""

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from typing import NamedTuple

from admin_ui.audit.chain import AuditOutcome
from admin_ui.audit.log import AuditLog
from admin_ui.people import passwords
from admin_ui.people.attempt_limits import AttemptLimits, AttemptSource
from admin_ui.people.change import Change, ChangeRefused
from admin_ui.people.device_cookies import DeviceCookies
from admin_ui.people.document import changes
from admin_ui.people.file import PeopleFile
from admin_ui.people.passwords import Passwords, TooManyPasswords
from admin_ui.web.logins import Logins, Person
from admin_ui.web.throttle import Throttle

log = logging.getLogger(__name__)

LISTED = (60, 10.0)  # failures in the audit log, so that a guesser does not fill the disk; others are counted
LOOK_S = 1.0  # a change of the file takes effect within this time
BUSY_S = 1.0  # what the next attempt must wait when too many passwords wait to be checked
UNKNOWN_NAME = "(unknown name)"  # not as it was typed: that may be a password in the wrong field
LOG_IN, BY_LINK = "log in", "log in by link"
PEOPLE = "change people"
LAST_CHANGE = "SELECT details FROM entry WHERE action = ? ORDER BY number DESC LIMIT 1"


class LoginResult(NamedTuple):
    """The person when name and password are right; else None, and the seconds that the next attempt must wait."""

    person: Person | None
    wait_s: float = 0.0


class Authenticator:
    """Checks and changes passwords, limits attempts, and ends the logins of people who were removed or changed."""

    def __init__(
        self,
        file: PeopleFile,
        logins: Logins,
        audit: AuditLog,
        hashes: Passwords,
        device_cookies: DeviceCookies,
    ) -> None:
        self.device_cookies = device_cookies
        self.logins = logins
        self.audit = audit
        self._file = file
        self._hashes = hashes
        self._limits = AttemptLimits()
        self._listed, self._left_out = Throttle(*LISTED), 0
        self._look_lock = asyncio.Lock()
        self._audited: dict[str, str] | None = None  # the people as the audit log has them

    async def look(self) -> None:
        """Read the file of people again if it has changed, and log out people who were changed or removed."""
        async with self._look_lock:
            try:
                await asyncio.to_thread(self._file.look)
            except (OSError, ValueError) as error:
                log.error(
                    "the file of people can't be used; the people known before stay",
                    extra={"why": str(error)},
                )
            now = self._file.people.summary()
            before = self._audited if self._audited is not None else await self._audited_last()
            self._audited = now
            ended = self.logins.keep_to(self._file.people.by_name)
            if changed := changes(before, now):
                await self.audit.note(
                    self._file.people.changed_by or "(file)",
                    PEOPLE,
                    ", ".join(_names(changed)),
                    AuditOutcome.DONE,
                    changed | {"logins_ended": ended, "now": now},
                )

    async def follow(self) -> None:
        """Look every LOOK_S seconds until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def check(
        self, name: str, password: str, source: AttemptSource, action: str = LOG_IN
    ) -> LoginResult:
        """Return the person with this name and password; `action` is what the audit log calls the attempt."""
        await self.look()
        if wait_s := self._limits.take(name, source, time.monotonic()):
            self._left_out += 1
            return LoginResult(None, wait_s)
        person = self._file.people.by_name.get(name)
        try:
            usable = person.password if person and not person.disabled else None
            matches = await self._hashes.matches(usable or None, password)
        except TooManyPasswords:
            return LoginResult(None, BUSY_S)
        if not matches or self._file.people.by_name.get(name) != person:
            await self._failed(person.name if person else UNKNOWN_NAME, action, source.address)
            return LoginResult(None)
        self._limits.give_back(name, source, time.monotonic())
        await self.audit.note(name, action, "", AuditOutcome.DONE, {"address": source.address})
        return LoginResult(person)

    async def change_password(self, person: Person, new: str) -> Person:
        """Set a person's own password; returns the person with it.

        Raises ChangeRefused, with what is wrong, when it can't be set or the person was changed meanwhile, and
        AuditUnwritable.
        """
        if fault := passwords.fault(person.name, new):
            raise ChangeRefused(fault)
        hashed = await self._hashes.hash(new)
        entry = await self.audit.begin(person.name, "change password", person.name, "")
        try:
            changed = await asyncio.to_thread(self._file.set_password, person, hashed)
        except (ChangeRefused, OSError, ValueError) as error:
            await self.audit.end(entry, AuditOutcome.FAILED, {"why": str(error)})
            raise ChangeRefused(f"it can't be set: {error}") from None
        await self.audit.end(entry, AuditOutcome.DONE)
        await self.look()
        return changed

    async def change(self, change: Change, who: str) -> str:
        """Change the people in the name of `who`, and end logins by it; returns what was done, in a sentence.

        Raises ChangeRefused, ValueError or OSError. The caller audits it.
        """
        done = await asyncio.to_thread(self._file.change, change, who)
        await self.look()
        return done

    @property
    def people(self) -> Mapping[str, Person]:
        """The people who may log in, by name."""
        return self._file.people.by_name

    def known(self, name: str) -> Person | None:
        """Return the person of a name, None when there is none."""
        return self._file.people.by_name.get(name)

    async def refuse_link(self, address: str) -> None:
        """Record that a one-time link was not valid. Attempts are not limited: a token is too long to be guessed."""
        await self._failed(UNKNOWN_NAME, BY_LINK, address)

    async def note_refusal(self, who: str, action: str, address: str, why: str) -> None:
        """Record that somebody was not let in, unless there are too many such entries."""
        await self._failed(who, action, address, {"why": why})

    async def _failed(
        self, who: str, action: str, address: str, more: Mapping[str, object] | None = None
    ) -> None:
        now_s = time.monotonic()
        if self._listed.wait_s("", now_s):
            self._left_out += 1
            return
        self._listed.take("", now_s)
        left_out, self._left_out = self._left_out, 0
        details: dict[str, object] = {"address": address, **(more or {})}
        if left_out:
            details["tries_not_listed_before"] = left_out
        await self.audit.note(who, action, "", AuditOutcome.REFUSED, details)

    async def _audited_last(self) -> dict[str, str]:
        """Return the people as the audit log has them, so that changes made while no console ran are audited too."""
        rows = await self.audit.rows(LAST_CHANGE, (PEOPLE,))
        now: dict[str, str] = json.loads(rows[0]["details"]).get("now", {}) if rows else {}
        return now


def _names(changed: dict[str, object]) -> list[str]:
    return sorted({name for names in changed.values() for name in names})  # type: ignore[attr-defined]
