"""Lets people in: name and password against the file of people, not too often, and all of it audited."""

import asyncio
import ipaddress
import json
import logging
import time
from typing import NamedTuple

from admin_ui.audit.chain import AuditOutcome
from admin_ui.audit.log import Audit
from admin_ui.people import passwords
from admin_ui.people.devices import Devices
from admin_ui.people.file import ChangeRefused, PeopleFile
from admin_ui.people.passwords import Busy, Passwords
from admin_ui.web.roles import NAME, Logins, Person, changes
from admin_ui.web.throttle import Throttle

log = logging.getLogger(__name__)

# Tries at once, and seconds until there is one more.
BY_BROWSER = (10, 30.0)  # from a browser in which this person is or was logged in
BY_NAME_AND_ADDRESS = (10, 30.0)  # from any other browser
BY_NAME = (100, 30.0)  # from all other browsers together, against guesses from many addresses
BY_ADDRESS = (20, 10.0)  # from all other browsers at one address, for all names; people may share an address
LISTED = (60, 10.0)  # failures in the audit log, so that a guesser does not fill the disk; others are counted
LOOK_S = 1.0  # how soon a change of the file holds
BUSY_S = 1.0
NOBODY = "(unknown name)"  # what was typed there may be a password
LOG_IN, BY_LINK = "log in", "log in by link"
PEOPLE = "change people"
LAST_TOLD = "SELECT details FROM entry WHERE action = ? ORDER BY number DESC LIMIT 1"


class LoginResult(NamedTuple):
    """Who it is; else None, and how many seconds the next try must wait."""

    person: Person | None
    wait_s: float = 0.0


class Asker(NamedTuple):
    """Where a try comes from: the address, and the device or open login of a known browser."""

    address: str
    device: str = ""
    login: str = ""


class Doorkeeper:
    """Knows the people, and who tries too often."""

    def __init__(
        self, file: PeopleFile, logins: Logins, audit: Audit, hashes: Passwords, devices: Devices
    ) -> None:
        self.devices = devices
        self.logins = logins
        self.audit = audit
        self._file = file
        self._hashes = hashes
        self._by_browser, self._by_name_and_address = Throttle(*BY_BROWSER), Throttle(*BY_NAME_AND_ADDRESS)
        self._by_name, self._by_address = Throttle(*BY_NAME), Throttle(*BY_ADDRESS)
        self._listed, self._left_out = Throttle(*LISTED), 0
        self._looking = asyncio.Lock()
        self._told: dict[str, str] | None = None

    async def look(self) -> None:
        """Read the file of people again if it has changed: those who are changed or gone are logged out."""
        async with self._looking:
            try:
                await asyncio.to_thread(self._file.look)
            except (OSError, ValueError) as error:
                log.error(  # noqa: TRY400 - a state of the file, not a fault
                    "the file of people can't be used; those known before stay", extra={"why": str(error)}
                )
            now = self._file.people.told()
            before = self._told if self._told is not None else await self._told_last()
            self._told = now
            ended = self.logins.keep_to(self._file.people)
            if changed := changes(before, now):
                await self.audit.note(
                    self._file.people.changed_by or "(file)",
                    PEOPLE,
                    ", ".join(_names(changed)),
                    AuditOutcome.DONE,
                    changed | {"logins_ended": ended, "now": now},
                )

    async def follow(self) -> None:
        """Look again and again until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def check(self, name: str, password: str, asker: Asker, action: str = LOG_IN) -> LoginResult:
        """Say whose name and password these are; `action` is what they are given for."""
        await self.look()
        keys = self._limits(name, asker)
        began_s = time.monotonic()
        if wait_s := max(throttle.wait_s(key, began_s) for throttle, key in keys):
            self._left_out += 1
            return LoginResult(None, wait_s)
        for throttle, key in keys:
            throttle.take(key, began_s)
        person = self._file.people.by_name.get(name)
        try:
            right = await self._hashes.matches(person.password if person else None, password)
        except Busy:
            return LoginResult(None, BUSY_S)
        if not right or self._file.people.by_name.get(name) != person:
            await self._failed(person.name if person else NOBODY, action, asker.address)
            return LoginResult(None)
        for throttle, key in keys:
            throttle.give_back(key, time.monotonic())
        await self.audit.note(name, action, "", AuditOutcome.DONE, {"address": asker.address})
        return LoginResult(person)

    def _limits(self, name: str, asker: Asker) -> list[tuple[Throttle, str]]:
        """Return the limits against which a try counts; a stranger's never counts against a known browser's."""
        if browser := asker.device or asker.login:
            return [(self._by_browser, f"{name} {browser}")]
        who, where = name if NAME.fullmatch(name) else "", network(asker.address)
        return [
            (self._by_name_and_address, f"{who} {where}"),
            (self._by_name, who),
            (self._by_address, where),
        ]

    async def change_password(self, person: Person, new: str) -> str:
        """Set a person's own password; returns what is wrong with it, '' when it is set. Raises Unwritable."""
        if fault := passwords.fault(person.name, new):
            return fault
        changed = Person(person.name, person.role, await self._hashes.hashed(new))
        entry = await self.audit.begin(person.name, "change password", person.name, "")
        try:
            await asyncio.to_thread(self._file.change, changed, person.name)
        except (ChangeRefused, OSError, ValueError) as error:
            await self.audit.end(entry, AuditOutcome.FAILED, {"why": str(error)})
            return f"it can't be set: {error}"
        await self.audit.end(entry, AuditOutcome.DONE)
        await self.look()
        return ""

    def known(self, name: str) -> Person | None:
        """Return the person of a name."""
        return self._file.people.by_name.get(name)

    async def refuse_link(self, address: str) -> None:
        """A one-time link was wrong: too long to be guessed, it is not slowed down."""
        await self._failed(NOBODY, BY_LINK, address)

    async def _failed(self, who: str, action: str, address: str) -> None:
        now_s = time.monotonic()
        if self._listed.wait_s("", now_s):
            self._left_out += 1
            return
        self._listed.take("", now_s)
        left_out, self._left_out = self._left_out, 0
        details: dict[str, object] = {"address": address}
        if left_out:
            details["tries_not_listed_before"] = left_out
        await self.audit.note(who, action, "", AuditOutcome.REFUSED, details)

    async def _told_last(self) -> dict[str, str]:
        """Return what the audit log says of the people: changes while no console ran are seen at its start."""
        rows = await self.audit.rows(LAST_TOLD, (PEOPLE,))
        now: dict[str, str] = json.loads(rows[0]["details"]).get("now", {}) if rows else {}
        return now


def network(address: str) -> str:
    """Return whom an address stands for: of IPv6, one customer has a whole /64."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)  # noqa: PLR2004


def _names(changed: dict[str, object]) -> list[str]:
    return sorted({name for names in changed.values() for name in names})  # type: ignore[attr-defined]
