"""The base of the console's handlers: who asks, what they may do, and what their browser may run."""

import time
from typing import Any
from urllib.parse import quote

from admin_ui.people import Login, Logins, Role
from runtime.handlers import ApiHandler
from runtime.problem import Problem

COOKIE = "__Host-console"
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; frame-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
LOGIN_FIRST = Problem("login-first", 401, "Log in first")
NOT_ALLOWED_TO = Problem("not-allowed", 403, "Your role does not allow this")


class ConsoleHandler(ApiHandler):
    """Every handler of the console; `needs` is the least role, `page` whether a person reads the answer."""

    login: Login | None = None

    def initialize(self, logins: Logins, needs: Role, *, page: bool = False, **more: Any) -> None:  # type: ignore[override]
        """`more` goes to `setup` of the handler."""
        ApiHandler.initialize(self)
        self.logins = logins
        self._needs = needs
        self._page = page
        self.setup(**more)

    def setup(self, **more: Any) -> None:
        """Take what the route gives."""

    def set_default_headers(self) -> None:
        """Nothing but what we serve ourselves runs in the browser."""
        super().set_default_headers()
        self.set_header("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        self.set_header("Referrer-Policy", "same-origin")
        self.set_header("X-Frame-Options", "DENY")

    def prepare(self) -> None:
        """Let in who may come in; send others to the login, or tell them."""
        super().prepare()
        if self._finished:
            return
        self.login = self.logins.find(self.get_cookie(COOKIE, "") or "", time.time())
        role = self.login.role if self.login else Role.NOBODY
        if role >= self._needs:
            return
        if self.login:
            self.write_problem(NOT_ALLOWED_TO, detail=f"it takes the role {self._needs.name.lower()}")
        elif self._page and self.request.method == "GET":
            self.redirect(f"/login?next={quote(self.request.uri or '/', safe='')}")
        else:
            self.write_problem(LOGIN_FIRST)
