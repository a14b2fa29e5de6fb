"""The Tornado application of the console, made from the routes of its wings."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from jinja2 import Environment
from tornado.httputil import HTTPServerRequest
from tornado.web import Application

from admin_ui.web import pages
from admin_ui.web.access import SecurityHeaders, StrictTransport
from admin_ui.web.assets import AssetHandler, Assets
from admin_ui.web.base_path import within
from admin_ui.web.logins import Logins, Role
from admin_ui.web.proxies import Network
from admin_ui.web.refusal import RefusalLog
from admin_ui.web.routes import Route


@dataclasses.dataclass(frozen=True)
class Access:
    """What handlers need to know who sends a request, and where a refused order is recorded.

    `only_tls` says that browsers reach the console by TLS alone, `base` is the path below which they see it.
    """

    logins: Logins
    login_cookie: str
    refusals: RefusalLog
    proxies: Sequence[Network] = ()
    only_tls: bool = False
    base: str = ""


class ConsoleApplication(Application):
    """Answers below the base path, and without it: some proxies take it off before they pass a request on."""

    def find_handler(self, request: HTTPServerRequest, **kwargs: Any) -> Any:
        """Return what answers a request."""
        base = self.settings["base"]
        request.uri, request.path = (within(base, each) for each in (request.uri or "", request.path))
        return super().find_handler(request, **kwargs)


def application(
    routes: Sequence[Route],
    public: Sequence[tuple[Any, ...]],
    access: Access,
    environment: Environment,
    assets: Assets,
) -> Application:
    """Return the application; `public` are Tornado's rules for addresses that need no login."""
    not_found = {"logins": access.logins, "needs": Role.NOBODY, "environment": environment}
    return ConsoleApplication(
        [
            *(_rule(route, access.logins) for route in routes),
            ("/static/(.*)", AssetHandler, {"assets": assets}),
            *public,
        ],
        default_handler_class=pages.NotFoundHandler,
        default_handler_args=not_found,
        problem_page=pages.problem_page(environment),
        cross_origin_protection=True,
        login_cookie=access.login_cookie,
        refusals=access.refusals,
        proxies=access.proxies,
        only_tls=access.only_tls,
        base=access.base,
        transforms=[SecurityHeaders, *([StrictTransport] if access.only_tls else [])],
    )


def _rule(route: Route, logins: Logins) -> tuple[str, Any, dict[str, Any]]:
    """Return a route as Tornado takes it."""
    page = {"page": True} if route.page else {}
    return route.pattern, route.handler, {"logins": logins, "needs": route.needs} | page | route.arguments
