"""Wires single sign-on: the provider of the settings, and the routes."""

import aiohttp
from jinja2 import Environment

from admin_ui.people.authenticator import Authenticator
from admin_ui.people.single_sign_on.handlers import BeginHandler, CallbackHandler, SingleSignOn
from admin_ui.people.single_sign_on.identity import ClaimMapping
from admin_ui.people.single_sign_on.leave import Leave
from admin_ui.people.single_sign_on.provider import Provider
from admin_ui.settings import Settings
from admin_ui.web.logins import Role
from admin_ui.web.routes import Route


def routes(
    settings: Settings, authenticator: Authenticator, client: aiohttp.ClientSession, environment: Environment
) -> tuple[list[Route], Leave]:
    """Return the routes of single sign-on, and what knows of the logout at the provider."""
    provider = Provider(client, settings.oidc_issuer, settings.oidc_client_id, settings.oidc_secret)
    own_url = settings.browsers_url or settings.url
    sso = SingleSignOn(
        provider,
        ClaimMapping(settings.oidc_name_claim, settings.oidc_role_claim, settings.oidc_roles),
        f"{own_url}/sso/callback",
        settings.oidc_scopes,
    )
    arguments = {"sso": sso, "authenticator": authenticator, "environment": environment}
    pages = [
        Route("/sso", BeginHandler, Role.NOBODY, arguments, page=True),
        Route("/sso/callback", CallbackHandler, Role.NOBODY, arguments, page=True),
    ]
    return pages, Leave(provider, f"{own_url}/login")
