"""A person's own account: who is logged in, a new password, and the password again before dangerous actions."""

import math
import time
from typing import Any

from jinja2 import Environment
from tornado.web import HTTPError

from admin_ui.audit.log import AuditUnwritable
from admin_ui.people.attempt_limits import AttemptSource
from admin_ui.people.authenticator import Authenticator, LoginResult
from admin_ui.people.change import ChangeRefused
from admin_ui.people.login import enter
from admin_ui.people.passwords import LENGTHS
from admin_ui.web.access import ConsoleHandler
from admin_ui.web.pages import PageHandler
from runtime.problem import Problem

WRONG_PASSWORD = Problem("wrong-password", 403, "That is not your password")
TOO_MANY_ATTEMPTS = Problem("too-many-tries", 429, "Too many tries: wait a little")
NO_PASSWORD = Problem("no-password", 409, "This login has no password")


class MeHandler(ConsoleHandler):
    """`GET /api/me`: who is logged in, and whether dangerous actions need the password first."""

    def get(self) -> None:
        """Write name, role, end of the login, and whether the password was given a short while ago."""
        assert self.login
        self.write_json(
            {
                "name": self.login.name,
                "role": self.login.role.name.lower(),
                "until_unix_s": round(self.login.until_unix_s),
                "confirmed": self.logins.confirmed(self.login, time.time()),
            }
        )


class ConfirmHandler(ConsoleHandler):
    """`POST /confirm` with `{"password": ...}`: dangerous actions are allowed for some minutes after it."""

    def setup(self, authenticator: Authenticator) -> None:  # type: ignore[override]
        """`authenticator` checks the passwords."""
        self._authenticator = authenticator

    async def post(self) -> None:
        """Answer 204, or say that the password is wrong or was tried too often."""
        assert self.login
        password = self.json_object().get("password")
        if not isinstance(password, str):
            raise HTTPError(400, 'the body must be {"password": "..."}')
        if not self.login.person:
            self.write_problem(NO_PASSWORD, detail=f"it came by {self.login.method}")
            return
        result = await self._authenticator.check(
            self.login.name, password, AttemptSource(self.address, login=self.token), "confirm password"
        )
        if result.person:
            self.logins.confirm(self.token, time.time())
            self.set_status(204)
        else:
            refuse(self, result)


class AccountHandler(PageHandler):
    """`GET /account`, and `POST /account` with a new password."""

    def setup(self, environment: Environment, authenticator: Authenticator, **more: Any) -> None:  # type: ignore[override]
        """`authenticator` checks the passwords."""
        super().setup(environment, **more)
        self._authenticator = authenticator

    def get(self) -> None:
        """Show the forms."""
        self._show(changed=self.get_query_argument("done", "") == "password")

    async def post(self) -> None:
        """Set the password, and end the other logins of this person."""
        assert self.login
        person = self.login.person
        old, new, again = (
            self.get_body_argument(name, "", strip=False) for name in ("password", "new", "again")
        )
        if not person:
            self.write_problem(NO_PASSWORD, detail=f"it came by {self.login.method}")
        elif new != again:
            self._show(422, fault="The two new passwords are not the same.")
        else:
            await self._change(person.name, old, new)

    async def _change(self, name: str, old: str, new: str) -> None:
        result = await self._authenticator.check(
            name, old, AttemptSource(self.address, login=self.token), "confirm password"
        )
        if not result.person:
            wait_s = math.ceil(result.wait_s)
            if wait_s:
                self.set_header("Retry-After", str(wait_s))
            fault = f"Too many tries: wait {wait_s} s." if wait_s else "The present password is not right."
            self._show(429 if wait_s else 403, fault=fault)
            return
        try:
            person = await self._authenticator.change_password(result.person, new)
        except (AuditUnwritable, ChangeRefused) as error:
            fault = str(error) if isinstance(error, ChangeRefused) else f"nothing was changed: {error}"
            self._show(422, fault=fault[:1].upper() + fault[1:] + ".")
            return
        enter(self, name, person.role, person)
        self.redirect("/account?done=password", status=303)

    def _show(self, status: int = 200, *, fault: str = "", changed: bool = False) -> None:
        self.show("people/account.html", status, fault=fault, done=changed, least=LENGTHS[0])


def refuse(handler: ConsoleHandler, result: LoginResult) -> None:
    """Answer that a password is wrong, or tried too often."""
    if result.wait_s:
        handler.set_header("Retry-After", str(math.ceil(result.wait_s)))
        handler.write_problem(TOO_MANY_ATTEMPTS, retry_after_s=math.ceil(result.wait_s))
    else:
        handler.write_problem(WRONG_PASSWORD)
