"""Where a browser ends its login at the provider: OpenID Connect RP-Initiated Logout 1.0."""

import asyncio
import logging

from authlib.common.urls import add_params_to_uri

from admin_ui.people.single_sign_on.provider import Provider, ProviderFault
from admin_ui.single_sign_on_settings import secure_url
from admin_ui.web.logins import Login

log = logging.getLogger(__name__)

WITHIN_S = 3.0  # the login here has ended already
LONGEST_HINT = (
    6000  # characters of an ID token in an address; without the hint, the provider asks who is there
)


class Leave:
    """Finds the address of a provider's logout; `back` is where the provider leads to after it."""

    def __init__(self, provider: Provider, back: str) -> None:
        self._provider = provider
        self._back = back

    async def address(self, login: Login) -> str:
        """Return where a browser logs out of the provider, '' where it offers that nowhere or can't be asked."""
        try:
            async with asyncio.timeout(WITHIN_S):
                endpoint = str((await self._provider.metadata()).get("end_session_endpoint") or "")
        except (ProviderFault, TimeoutError) as error:
            log.warning(
                "the logout at %s can't be found: %s", self._provider.issuer, str(error) or "no answer"
            )
            return ""
        if not secure_url(endpoint):
            return ""
        asked = {"client_id": self._provider.client_id, "post_logout_redirect_uri": self._back}
        if 0 < len(login.id_token) <= LONGEST_HINT:
            asked["id_token_hint"] = login.id_token
        return str(add_params_to_uri(endpoint, list(asked.items())))
