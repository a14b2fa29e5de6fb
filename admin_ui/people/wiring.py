"""Wires people: the file, the open logins, the authenticator, and the routes of logins and accounts."""

import contextlib
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from jinja2 import Environment

from admin_ui.audit.log import AuditLog
from admin_ui.people import file, one_time_link
from admin_ui.people.account import AccountHandler, ConfirmHandler, MeHandler
from admin_ui.people.administration import PeopleHandler
from admin_ui.people.authenticator import Authenticator
from admin_ui.people.device_cookies import DeviceCookies
from admin_ui.people.enter import LinkHandler
from admin_ui.people.file import PeopleFile
from admin_ui.people.login import LoginHandler, LogoutHandler, ProviderLogout
from admin_ui.people.passwords import Passwords
from admin_ui.settings import Settings
from admin_ui.web.logins import Logins, Role
from admin_ui.web.pages import page_route
from admin_ui.web.routes import Route
from runtime.background import background


@dataclasses.dataclass(frozen=True)
class PeopleWing:
    """Who may log in, and who is logged in."""

    authenticator: Authenticator
    settings: Settings
    client: aiohttp.ClientSession

    @property
    def logins(self) -> Logins:
        """The open logins."""
        return self.authenticator.logins

    @property
    def login_cookie(self) -> str:
        """The name of the cookie that holds the token of a login."""
        return self.authenticator.device_cookies.login_cookie

    def routes(self, environment: Environment) -> list[Route]:
        """Return the routes of logins, logouts, passwords and accounts."""
        auth = {"authenticator": self.authenticator}
        account = auth | {"environment": environment, "here": "account"}
        login = account | {"on_loopback": self.settings.on_loopback, "here": "login"}
        link = login | {"data": self.settings.data}
        single_sign_on, provider = self._single_sign_on(environment)
        out = auth | {"environment": environment, "provider": provider}
        people = auth | {"data": self.settings.data, "url": self.settings.links_url}
        return [
            Route("/login", LoginHandler, Role.NOBODY, login, page=True),
            Route("/enter", LinkHandler, Role.NOBODY, link, page=True),
            Route("/logout", LogoutHandler, Role.VIEWER, out),
            Route("/logout/everywhere", LogoutHandler, Role.VIEWER, out | {"everywhere": True}),
            Route("/account", AccountHandler, Role.VIEWER, account, page=True),
            Route("/api/me", MeHandler, Role.VIEWER),
            Route("/confirm", ConfirmHandler, Role.VIEWER, auth),
            page_route("/people", "people/people.html", environment, Role.ADMINISTRATOR),
            Route("/api/people", PeopleHandler, Role.ADMINISTRATOR, people),
            *single_sign_on,
        ]

    def _single_sign_on(self, environment: Environment) -> tuple[list[Route], ProviderLogout | None]:
        """Return the routes of single sign-on and the logout at the provider; none where no provider is set."""
        if not self.settings.oidc_issuer:
            return [], None
        from admin_ui.people.single_sign_on.wiring import routes  # noqa: PLC0415 - 70 ms at a start that need not be

        return routes(self.settings, self.authenticator, self.client, environment)


@asynccontextmanager
async def people_wing(
    settings: Settings, audit: AuditLog, client: aiohttp.ClientSession
) -> AsyncIterator[PeopleWing]:
    """Authenticate the people of a file while the context lasts; raises OSError when the file can't be used."""
    logins = Logins(settings.login_hours, settings.idle_minutes, confirming=not settings.on_loopback)
    try:
        people = PeopleFile(file.path(settings.data))
    except ValueError as error:
        raise OSError(str(error)) from error
    with contextlib.closing(Passwords()) as hashes:
        authenticator = Authenticator(
            people, logins, audit, hashes, DeviceCookies(settings.data, settings.base_path)
        )
        one_time_link.announce(settings.data, settings.url, settings.browsers_url or settings.url)
        await authenticator.look()
        async with background(authenticator.follow()):
            yield PeopleWing(authenticator, settings, client)
