"""Logging in and out."""

import secrets
import time
from pathlib import Path

from admin_ui import link
from admin_ui.access import COOKIE, ConsoleHandler
from admin_ui.pages import Page
from admin_ui.people import Role

LOCAL = "local operator"  # who came by the one-time link


class LinkHandler(ConsoleHandler):
    """`GET /enter?token=`: the one-time link."""

    def setup(self, data: Path) -> None:  # type: ignore[override]
        """`data` is the folder with the token."""
        self._data = data

    def get(self) -> None:
        """Log in as the operator of this machine."""
        if not link.use(self._data, self.get_query_argument("token", "")):
            self.redirect("/login?link=used")
            return
        token = secrets.token_urlsafe(32)
        login = self.logins.open(token, LOCAL, Role.OPERATOR, time.time())
        self.set_cookie(
            COOKIE, token, expires=login.until_unix_s, path="/", secure=True, httponly=True, samesite="Lax"
        )
        self.redirect("/")


class LoginHandler(Page):
    """`GET /login`."""

    def get(self) -> None:
        """Show the form."""
        self.show("login.html", used=self.get_query_argument("link", "") == "used")


class LogoutHandler(ConsoleHandler):
    """`POST /logout`."""

    def post(self) -> None:
        """End this login."""
        self.logins.close(self.get_cookie(COOKIE, "") or "")
        self.clear_cookie(COOKIE, path="/", secure=True, httponly=True)
        self.redirect("/login")
