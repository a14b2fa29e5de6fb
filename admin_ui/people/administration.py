"""What administrators do with people: `/people`, `GET /api/people`, and `POST /api/people` with one change."""

import asyncio
import contextlib
import dataclasses
import time
from pathlib import Path
from typing import Any

from tornado.web import HTTPError

from admin_ui.audit.chain import AuditOutcome
from admin_ui.audit.log import require
from admin_ui.people import invitation
from admin_ui.people.authenticator import Authenticator
from admin_ui.people.change import ROLES, WITH_LINK, Change, ChangeKind, ChangeRefused
from admin_ui.people.document import NAME
from admin_ui.web.access import ConsoleHandler
from admin_ui.web.logins import Role
from runtime.problem import Problem

CHANGE_REFUSED = Problem("change-refused", 422, "The people were not changed")
PEOPLE_UNWRITABLE = Problem("people-unwritable", 503, "The people can't be saved, so nothing was changed")
ACTIONS = {  # as the audit log calls them
    ChangeKind.ADD: "add person",
    ChangeKind.ROLE: "change role",
    ChangeKind.RESET: "reset password",
    ChangeKind.END_LOGINS: "end logins",
    ChangeKind.DISABLE: "disable person",
    ChangeKind.ENABLE: "enable person",
    ChangeKind.REMOVE: "remove person",
}
NO_LINK = "The link could not be made; reset the password to make one"
LONGEST_NAME = 200  # of a login that came by single sign-on


class PeopleHandler(ConsoleHandler):
    """`GET /api/people` lists people and their logins; `POST /api/people` `{"do", "name", "role"}` makes one change."""

    def setup(self, authenticator: Authenticator, data: Path, url: str) -> None:  # type: ignore[override]
        """`data` is the folder with the links, `url` the base URL of the console in browsers, '' for that of the request."""
        self.acts = "change people" if self.request.method == "POST" else ""
        self._authenticator = authenticator
        self._data = data
        self._url = url

    def describe(self) -> None:
        """Take what a refused change was to do, and with whom."""
        with contextlib.suppress(HTTPError):
            self._read()

    def get(self) -> None:
        """Write each person with role, state and open logins, and then those who are logged in without an account."""
        assert self.login
        by_name: dict[str, dict[str, Any]] = {
            person.name: {
                "name": person.name,
                "role": person.role.name.lower(),
                "account": True,
                "disabled": person.disabled,
                "password_set": bool(person.password),
            }
            for person in sorted(self._authenticator.people.values(), key=lambda each: each.name)
        }
        for login in self.logins.all(time.time()):
            role = login.role.name.lower()
            stranger = {"name": login.name, "role": role, "account": False, "method": login.method}
            row = by_name.setdefault(login.name, stranger)
            row["logins"] = row.get("logins", 0) + 1
            row["seen_unix_s"] = max(row.get("seen_unix_s", 0), round(login.seen_unix_s))
        self.write_json({"people": list(by_name.values()), "roles": list(ROLES), "you": self.login.name})

    async def post(self) -> None:
        """Make the change, and write what was done, with the link for a person who must set a password."""
        assert self.login
        change = dataclasses.replace(self._read(), by=self.login.person)
        if not self.confirmed():
            return
        action = ACTIONS[change.kind]
        details: dict[str, object] = {"role": change.role.name.lower()} if change.role else {}
        entry = await self._authenticator.audit.begin(self.login.name, action, change.name, "", details)
        await require(self._authenticator.audit, entry, self.still_allowed)
        self.audited = True
        try:
            done = await self._carry_out(change, self.login.name)
        except ChangeRefused as error:
            await self._authenticator.audit.end(entry, AuditOutcome.REFUSED, {"why": str(error)})
            self.write_problem(CHANGE_REFUSED, detail=str(error))
            return
        except (OSError, ValueError) as error:
            await self._authenticator.audit.end(entry, AuditOutcome.FAILED, {"why": str(error)})
            self.write_problem(PEOPLE_UNWRITABLE, detail=str(error))
            return
        lacking: dict[str, object] = {"link": "not made"} if NO_LINK in done["said"] else {}
        await self._authenticator.audit.end(entry, AuditOutcome.DONE, lacking)
        self.write_json(done)

    async def _carry_out(self, change: Change, who: str) -> dict[str, str]:
        """Return what was done, and the link. Raises ChangeRefused, OSError or ValueError."""
        if change.kind is ChangeKind.END_LOGINS:
            return {"said": await self._end_logins(change, who)}
        said = await self._authenticator.change(change, who)
        if change.kind not in WITH_LINK:
            return {"said": said}
        try:
            token = await asyncio.to_thread(invitation.create, self._data, change.name, time.time())
        except OSError as error:
            return {"said": f"{said} {NO_LINK}: {error}"}
        return {"said": said, "link": f"{self._url or self.origin + self.base}/enter?token={token}"}

    async def _end_logins(self, change: Change, who: str) -> str:
        """End the logins by password, by link and by single sign-on; raises as `_carry_out` does."""
        if not any(login.name == change.name for login in self.logins.all(time.time())):
            raise ChangeRefused(f"{change.name} is not logged in")
        said = ""
        if self._authenticator.known(change.name):
            said = await self._authenticator.change(change, who)
        ended = self.logins.close_all(change.name)
        return said or f"{ended} logins of {change.name} have ended."

    def _read(self) -> Change:
        """Return the change in the body; raises HTTPError 400."""
        body = self.json_object()
        try:
            kind = ChangeKind(str(body.get("do")))
            self.acts = ACTIONS[kind]
        except (ValueError, KeyError):
            raise HTTPError(400, f"do must be one of {', '.join(ACTIONS)}") from None
        name = body.get("name")
        if not isinstance(name, str) or not name or len(name) > LONGEST_NAME or not name.isprintable():
            raise HTTPError(400, "name must be the name of a person")
        if not NAME.fullmatch(name) and kind not in {ChangeKind.ADD, ChangeKind.END_LOGINS}:
            raise HTTPError(400, "name must be the name of an account")
        self.target = name
        role = body.get("role")
        if kind not in {ChangeKind.ADD, ChangeKind.ROLE}:
            return Change(kind, name)
        if not isinstance(role, str) or role not in ROLES:
            raise HTTPError(400, f"role must be one of {', '.join(ROLES)}")
        return Change(kind, name, Role[role.upper()])
