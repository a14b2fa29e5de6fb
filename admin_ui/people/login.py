"""Logging in and out."""

import math
import secrets
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment

from admin_ui.audit.chain import AuditOutcome
from admin_ui.people import one_time_link as link
from admin_ui.people.devices import LASTS_S
from admin_ui.people.doorkeeper import BY_LINK, Asker, Doorkeeper
from admin_ui.web.access import ConsoleHandler, inside
from admin_ui.web.pages import PageHandler
from admin_ui.web.roles import Login, Person, Role

LOCAL = "local operator"  # who came by the one-time link


def enter(handler: ConsoleHandler, name: str, role: Role, person: Person | None = None) -> Login:
    """Open a login with a token of its own, whatever token the browser came with, and end that one."""
    handler.logins.close(handler.token)
    token = secrets.token_urlsafe(32)
    login = handler.logins.open(token, name, role, time.time(), person)
    set_cookie(handler, handler.settings["login_cookie"], token, login.until_unix_s)
    return login


def set_cookie(handler: ConsoleHandler, name: str, value: str, until_unix_s: float) -> None:
    """Set a cookie that only this host gets back, over TLS or on loopback, and that no script reads."""
    handler.set_cookie(
        name, value, expires=until_unix_s, path="/", secure=True, httponly=True, samesite="Lax"
    )


class LinkHandler(PageHandler):
    """The one-time link: `GET /enter?token=` shows a button, `POST /enter` logs in.

    Programs that open links before people do, such as a chat or a browser that prefetches, send only GET, so they
    don't use the link up.
    """

    def setup(  # type: ignore[override]
        self, environment: Environment, data: Path, doorkeeper: Doorkeeper, *, on_loopback: bool, **more: Any
    ) -> None:
        """`data` is the folder with the links; they work only where no other machine can reach the console."""
        super().setup(environment, **more)
        self._data = data
        self._doorkeeper = doorkeeper
        self._on_loopback = on_loopback

    async def get(self) -> None:
        """Show the button; a link that can't log in says why at once."""
        token = self.get_query_argument("token", "")
        if not self._on_loopback:
            self.redirect("/login?link=elsewhere")
        elif not link.valid(self._data, token, time.time()):
            self.redirect("/login?link=used")
        else:
            self.set_header("Referrer-Policy", "no-referrer")
            self.show("enter.html", token=token)

    async def post(self) -> None:
        """Log in as the operator of this machine."""
        if not self._on_loopback:
            self.redirect("/login?link=elsewhere", status=303)
            return
        if not link.use(self._data, self.get_body_argument("token", ""), time.time()):
            await self._doorkeeper.refuse_link(self.address)
            self.redirect("/login?link=used", status=303)
            return
        await self._doorkeeper.audit.note(LOCAL, BY_LINK, "", AuditOutcome.DONE, {"address": self.address})
        enter(self, LOCAL, Role.OPERATOR)
        self.redirect("/login?kept=1", status=303)


class LoginHandler(PageHandler):
    """`GET /login` and `POST /login`."""

    def setup(  # type: ignore[override]
        self, environment: Environment, doorkeeper: Doorkeeper, *, on_loopback: bool, **more: Any
    ) -> None:
        """`on_loopback` is whether one-time links are taken."""
        super().setup(environment, on_loopback=on_loopback, **more)
        self._doorkeeper = doorkeeper

    def get(self) -> None:
        """Show the form; who is logged in goes on."""
        beyond = inside(self.get_query_argument("next", "/"))
        if self.login:
            self.redirect(beyond)
            return
        self._show(
            beyond, link=self.get_query_argument("link", ""), lost=bool(self.get_query_argument("kept", ""))
        )

    async def post(self) -> None:
        """Log in by name and password."""
        name, password = (
            self.get_body_argument("name", ""),
            self.get_body_argument("password", "", strip=False),
        )
        beyond = inside(self.get_body_argument("next", "/"))
        devices = self._doorkeeper.devices
        device = devices.known(name, self.get_cookie(devices.cookie, "") or "")
        verdict = await self._doorkeeper.check(name, password, Asker(self.address, device))
        if not verdict.person:
            if verdict.wait_s:
                self.set_header("Retry-After", str(math.ceil(verdict.wait_s)))
            self._show(beyond, 429 if verdict.wait_s else 401, name=name, wait_s=math.ceil(verdict.wait_s))
            return
        enter(self, name, verdict.person.role, verdict.person)
        set_cookie(self, devices.cookie, devices.made(name), time.time() + LASTS_S)
        self.redirect(f"/login?kept=1&next={quote(beyond, safe='')}", status=303)

    def _show(self, beyond: str, status: int = 200, **known: object) -> None:
        shown = {"name": None, "wait_s": 0, "link": "", "lost": False} | known
        self.show("login.html", status, next=beyond, **shown)


class LogoutHandler(ConsoleHandler):
    """`POST /logout`: this login, or all of this person."""

    def setup(self, doorkeeper: Doorkeeper, *, everywhere: bool = False) -> None:  # type: ignore[override]
        """`everywhere` ends all."""
        self._doorkeeper = doorkeeper
        self._everywhere = everywhere

    async def post(self) -> None:
        """End it."""
        assert self.login  # noqa: S101 - the route takes a role
        name, ended = self.login.name, 1
        if self._everywhere:
            ended = self.logins.close_all(name)
        self.logins.close(self.token)
        self.clear_cookie(self.settings["login_cookie"], path="/", secure=True, httponly=True, samesite="Lax")
        action = "log out everywhere" if self._everywhere else "log out"
        await self._doorkeeper.audit.note(
            name, action, "", AuditOutcome.DONE, {"address": self.address, "logins_ended": ended}
        )
        self.redirect("/login", status=303)
