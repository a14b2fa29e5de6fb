"""Wires single sign-on: the provider of the settings, and the routes."""

import aiohttp
from jinja2 import Environment

from admin_ui.people.authenticator import Authenticator
from admin_ui.people.single_sign_on.handlers import BeginHandler, CallbackHandler, SingleSignOn
from admin_ui.people.single_sign_on.identity import ClaimMapping
from admin_ui.people.single_sign_on.provider import Provider
from admin_ui.settings import Settings
from admin_ui.web.logins import Role
from admin_ui.web.routes import Route


def routes(
    settings: Settings, authenticator: Authenticator, client: aiohttp.ClientSession, environment: Environment
) -> list[Route]:
    """Return the routes of single sign-on."""
    sso = SingleSignOn(
        Provider(client, settings.oidc_issuer, settings.oidc_client_id, settings.oidc_secret),
        ClaimMapping(settings.oidc_name_claim, settings.oidc_role_claim, settings.oidc_roles),
        f"{settings.browsers_url or settings.url}/sso/callback",
        settings.oidc_scopes,
    )
    arguments = {"sso": sso, "authenticator": authenticator, "environment": environment}
    return [
        Route("/sso", BeginHandler, Role.NOBODY, arguments, page=True),
        Route("/sso/callback", CallbackHandler, Role.NOBODY, arguments, page=True),
    ]
