"""Logging in and out."""

import math
import secrets
import time
from typing import Any, Protocol
from urllib.parse import quote

from jinja2 import Environment

from admin_ui.audit.chain import AuditOutcome
from admin_ui.people.attempt_limits import AttemptSource
from admin_ui.people.authenticator import Authenticator
from admin_ui.people.device_cookies import LASTS_S
from admin_ui.web.access import ConsoleHandler, local_address
from admin_ui.web.logins import Login, LoginMethod, Person, Role
from admin_ui.web.pages import PageHandler, TemplateHandler

LOCAL = (
    "local administrator"  # who logs in by one-time link while nobody else is logged in, and gives no name
)


def enter(
    handler: ConsoleHandler,
    name: str,
    role: Role,
    person: Person | None = None,
    method: LoginMethod | None = None,
    *,
    id_token: str = "",
) -> Login:
    """Open a login with a new token, and end the login of the token that the browser sent; `id_token` as in Login."""
    handler.logins.close(handler.token)
    token = secrets.token_urlsafe(32)
    login = handler.logins.open(token, name, role, time.time(), person, method)
    if id_token:
        handler.logins.keep_id_token(token, id_token)
    set_cookie(handler, handler.settings["login_cookie"], token, login.until_unix_s)
    return login


def set_cookie(handler: ConsoleHandler, name: str, value: str, until_unix_s: float) -> None:
    """Set a cookie that browsers send only to this host, over TLS or on loopback, and that scripts can't read."""
    handler.set_cookie(
        name,
        value,
        expires=until_unix_s,
        path=handler.cookie_path,
        secure=True,
        httponly=True,
        samesite="Lax",
    )


class LoginHandler(PageHandler):
    """`GET /login` and `POST /login`."""

    def setup(  # type: ignore[override]
        self, environment: Environment, authenticator: Authenticator, *, on_loopback: bool, **more: Any
    ) -> None:
        """`on_loopback` says whether one-time links are accepted."""
        super().setup(environment, on_loopback=on_loopback, **more)
        self._authenticator = authenticator

    def get(self) -> None:
        """Show the form; redirect a person who is logged in."""
        destination = local_address(self.get_query_argument("next", "/"))
        if self.login:
            self.redirect(destination)
            return
        self._show(
            destination,
            link=self.get_query_argument("link", ""),
            lost=bool(self.get_query_argument("kept", "")),
        )

    async def post(self) -> None:
        """Log in by name and password."""
        name, password = (
            self.get_body_argument("name", ""),
            self.get_body_argument("password", "", strip=False),
        )
        destination = local_address(self.get_body_argument("next", "/"))
        cookies = self._authenticator.device_cookies
        device = cookies.device(name, self.get_cookie(cookies.cookie, "") or "")
        result = await self._authenticator.check(name, password, AttemptSource(self.address, device))
        if not result.person:
            if result.wait_s:
                self.set_header("Retry-After", str(math.ceil(result.wait_s)))
            self._show(destination, 429 if result.wait_s else 401, name=name, wait_s=math.ceil(result.wait_s))
            return
        enter(self, name, result.person.role, result.person)
        set_cookie(self, cookies.cookie, cookies.create(name), time.time() + LASTS_S)
        self.redirect(f"/login?kept=1&next={quote(destination, safe='')}", status=303)

    def _show(self, destination: str, status: int = 200, **given: object) -> None:
        values = {"name": None, "wait_s": 0, "link": "", "lost": False} | given
        self.show("people/login.html", status, next=destination, **values)


class ProviderLogout(Protocol):
    """Knows where a login by single sign-on is ended at the provider."""

    async def address(self, login: Login) -> str:
        """Return the address for the browser, '' where there is none."""


class LogoutHandler(TemplateHandler):
    """`POST /logout` ends this login; `POST /logout/everywhere` ends all logins of this person."""

    def setup(  # type: ignore[override]
        self,
        environment: Environment,
        authenticator: Authenticator,
        provider: ProviderLogout | None,
        *,
        everywhere: bool = False,
    ) -> None:
        """`everywhere` ends all logins of the person; who came by single sign-on is logged out at `provider` too."""
        super().setup(environment, here="login")
        self._authenticator = authenticator
        self._provider = provider
        self._everywhere = everywhere

    async def post(self) -> None:
        """End the login, and go to the login page, or to the provider's logout."""
        login = self.login
        assert login
        name, ended = login.name, 1
        if self._everywhere:
            ended = self.logins.close_all(name)
        self.logins.close(self.token)
        self.clear_cookie(
            self.settings["login_cookie"], path=self.cookie_path, secure=True, httponly=True, samesite="Lax"
        )
        action = "log out everywhere" if self._everywhere else "log out"
        await self._authenticator.audit.note(
            name, action, "", AuditOutcome.DONE, {"address": self.address, "logins_ended": ended}
        )
        by_sso = login.method is LoginMethod.SINGLE_SIGN_ON
        if by_sso and self._provider and (address := await self._provider.address(login)):
            self.login = None
            # A page leads there: browsers follow no redirect of a form to another site under this policy (form-action).
            self.show("people/logged_out.html", address=address)
            return
        self.redirect("/login", status=303)
