"""The one-time links: `GET /enter?token=` shows a form, `POST /enter` logs in.

Programs that open links before people do, such as a chat or a browser that prefetches, send only GET, so they don't use
a link up.
"""

import time
from pathlib import Path
from typing import Any

from jinja2 import Environment

from admin_ui.audit.chain import AuditOutcome
from admin_ui.people import invitation, one_time_link, passwords
from admin_ui.people.authenticator import BY_LINK, Authenticator
from admin_ui.people.change import ACCEPTED_NAME, ChangeRefused
from admin_ui.people.document import NAME
from admin_ui.people.login import LOCAL, enter
from admin_ui.web.logins import LoginMethod, Role
from admin_ui.web.pages import PageHandler
from runtime.problem import UNAVAILABLE


class LinkHandler(PageHandler):
    """`/enter`: a link of this machine logs in an administrator; a personal link sets a password first."""

    def setup(  # type: ignore[override]
        self,
        environment: Environment,
        data: Path,
        authenticator: Authenticator,
        *,
        on_loopback: bool,
        **more: Any,
    ) -> None:
        """`data` is the folder with the links. Those of this machine work only where no other machine can reach the console."""
        super().setup(environment, **more)
        self._data = data
        self._authenticator = authenticator
        self._on_loopback = on_loopback

    def get(self) -> None:
        """Show the form; for a link that is not valid, the login page says why."""
        token = self.get_query_argument("token", "")
        if name := self._invited(token):
            self._show_invitation(token, name)
        elif not self._on_loopback:
            self.redirect("/login?link=elsewhere")
        elif not one_time_link.valid(self._data, token, time.time()):
            self.redirect("/login?link=used")
        else:
            self._show_link(token)

    async def post(self) -> None:
        """Log in."""
        token = self.get_body_argument("token", "")
        if name := self._invited(token):
            await self._accept(token, name)
        elif not self._on_loopback:
            self.redirect("/login?link=elsewhere", status=303)
        else:
            await self._log_in(token)

    async def _log_in(self, token: str) -> None:
        """Log in as an administrator of this machine. Whoever is not alone gives a name, for the audit log."""
        name = self.get_body_argument("name", "").lower()
        fault = self._name_fault(name)
        if fault and one_time_link.valid(self._data, token, time.time()):
            self._show_link(token, 422, fault=fault, name=name)
            return
        if not one_time_link.use(self._data, token, time.time()) or fault:
            await self._authenticator.refuse_link(self.address)
            self.redirect("/login?link=used", status=303)
            return
        name = name or LOCAL
        enter(self, name, Role.ADMINISTRATOR, method=LoginMethod.LINK)
        await self._authenticator.audit.note(name, BY_LINK, "", AuditOutcome.DONE, {"address": self.address})
        self.redirect("/login?kept=1", status=303)

    def _name_fault(self, name: str) -> str:
        """Return why a login by link can't have a name, '' when it can."""
        if not name:
            return "Enter your name: somebody else is logged in." if self._others() else ""
        if self._authenticator.known(name):
            return f"{name} has an account. Log in with its password, or enter another name."
        return "" if NAME.fullmatch(name) else f"{ACCEPTED_NAME[:1].upper()}{ACCEPTED_NAME[1:]}."

    def _others(self) -> bool:
        return bool(self.logins.all(time.time(), but=self.token))

    def _invited(self, token: str) -> str:
        """Return the name of the person of a personal link, '' when there is none who lacks a password."""
        name = invitation.person(self._data, token, time.time())
        person = self._authenticator.known(name)
        return name if person and not person.password and not person.disabled else ""

    async def _accept(self, token: str, name: str) -> None:
        """Set the password of an invited person, and log in."""
        new, again = (self.get_body_argument(field, "", strip=False) for field in ("new", "again"))
        fault = "the two passwords are not the same" if new != again else passwords.fault(name, new)
        if fault:
            self._show_invitation(token, name, 422, fault=f"{fault[:1].upper()}{fault[1:]}.")
            return
        person = self._authenticator.known(name)
        if not person or not invitation.use(self._data, token, time.time()):
            self.redirect("/login?link=used", status=303)
            return
        try:
            changed = await self._authenticator.change_password(person, new)
        except ChangeRefused as error:
            self.write_problem(UNAVAILABLE, detail=f"{error}. Ask for a new link")
            return
        enter(self, name, changed.role, changed)
        await self._authenticator.audit.note(name, BY_LINK, "", AuditOutcome.DONE, {"address": self.address})
        self.redirect("/login?kept=1", status=303)

    def _show_link(self, token: str, status: int = 200, *, fault: str = "", name: str = "") -> None:
        self.set_header("Referrer-Policy", "no-referrer")
        known: dict[str, Any] = {"token": token, "fault": fault, "name": name, "others": self._others()}
        self.show("people/enter.html", status, **known)

    def _show_invitation(self, token: str, name: str, status: int = 200, *, fault: str = "") -> None:
        self.set_header("Referrer-Policy", "no-referrer")
        self.show(
            "people/invitation.html", status, token=token, name=name, fault=fault, least=passwords.LENGTHS[0]
        )
