"""What people do with their own account: a new password, and their password again before dangerous actions."""

import math
import time
from typing import Any

from jinja2 import Environment
from tornado.web import HTTPError

from admin_ui.audit.log import Unwritable
from admin_ui.people.doorkeeper import Asker, Doorkeeper, LoginResult
from admin_ui.people.login import enter
from admin_ui.people.passwords import LENGTHS
from admin_ui.web.access import ConsoleHandler
from admin_ui.web.pages import PageHandler
from runtime.problem import Problem

WRONG_PASSWORD = Problem("wrong-password", 403, "That is not your password")
TOO_MANY_TRIES = Problem("too-many-tries", 429, "Too many tries: wait a little")
NO_PASSWORD = Problem("no-password", 409, "This login has no password")


class MeHandler(ConsoleHandler):
    """`GET /api/me`: who is logged in, and whether dangerous actions want the password first."""

    def get(self) -> None:
        """Write it."""
        assert self.login  # noqa: S101 - the route takes a role
        self.write_json(
            {
                "name": self.login.name,
                "role": self.login.role.name.lower(),
                "until_unix_s": round(self.login.until_unix_s),
                "confirmed": self.logins.confirmed(self.login, time.time()),
            }
        )


class ConfirmHandler(ConsoleHandler):
    """`POST /confirm` with `{"password": ...}`: dangerous actions are open for some minutes after it."""

    def setup(self, doorkeeper: Doorkeeper) -> None:  # type: ignore[override]
        """`doorkeeper` knows the passwords."""
        self._doorkeeper = doorkeeper

    async def post(self) -> None:
        """Answer 204."""
        assert self.login  # noqa: S101 - the route takes a role
        password = self.json_object().get("password")
        if not isinstance(password, str):
            raise HTTPError(400, 'a body {"password": "..."} is wanted')
        if not self.login.person:
            self.write_problem(NO_PASSWORD, detail="it came by a one-time link")
            return
        verdict = await self._doorkeeper.check(
            self.login.name, password, Asker(self.address, login=self.token), "confirm password"
        )
        if verdict.person:
            self.logins.confirm(self.token, time.time())
            self.set_status(204)
        else:
            refuse(self, verdict)


class AccountHandler(PageHandler):
    """`GET /account`, and `POST /account` with a new password."""

    def setup(self, environment: Environment, doorkeeper: Doorkeeper, **more: Any) -> None:  # type: ignore[override]
        """`doorkeeper` knows the passwords."""
        super().setup(environment, **more)
        self._doorkeeper = doorkeeper

    def get(self) -> None:
        """Show the forms."""
        self._show(done=self.get_query_argument("done", "") == "password")

    async def post(self) -> None:
        """Set the password; the other logins of this person end."""
        assert self.login  # noqa: S101 - the route takes a role
        person = self.login.person
        old, new, again = (
            self.get_body_argument(name, "", strip=False) for name in ("password", "new", "again")
        )
        if not person:
            self.write_problem(NO_PASSWORD, detail="it came by a one-time link")
        elif new != again:
            self._show(422, fault="The two new passwords are not the same.")
        else:
            await self._change(person.name, old, new)

    async def _change(self, name: str, old: str, new: str) -> None:
        verdict = await self._doorkeeper.check(
            name, old, Asker(self.address, login=self.token), "confirm password"
        )
        if not verdict.person:
            wait_s = math.ceil(verdict.wait_s)
            if wait_s:
                self.set_header("Retry-After", str(wait_s))
            fault = f"Too many tries: wait {wait_s} s." if wait_s else "The present password is not right."
            self._show(429 if wait_s else 403, fault=fault)
            return
        try:
            fault = await self._doorkeeper.change_password(verdict.person, new)
        except Unwritable as error:
            fault = f"nothing was changed: {error}"
        changed = self._doorkeeper.known(name)
        if fault or not changed:
            self._show(422, fault=fault[:1].upper() + fault[1:] + ".")
            return
        enter(self, name, changed.role, changed)
        self.redirect("/account?done=password", status=303)

    def _show(self, status: int = 200, *, fault: str = "", done: bool = False) -> None:
        self.show("account.html", status, fault=fault, done=done, least=LENGTHS[0])


def refuse(handler: ConsoleHandler, verdict: LoginResult) -> None:
    """Answer that a password is wrong, or tried too often."""
    if verdict.wait_s:
        handler.set_header("Retry-After", str(math.ceil(verdict.wait_s)))
        handler.write_problem(TOO_MANY_TRIES, retry_after_s=math.ceil(verdict.wait_s))
    else:
        handler.write_problem(WRONG_PASSWORD)
