"""Completes the claims of an ID token by what the provider tells at its userinfo endpoint.

Some providers put groups and names only there: OpenID Connect Core 1.0, 5.3 and 5.4.
"""

from collections.abc import Mapping
from typing import Any

from admin_ui.people.single_sign_on.identity import ClaimMapping, IdentityRefused
from admin_ui.people.single_sign_on.provider import Provider, VerifiedToken


async def completed(provider: Provider, token: VerifiedToken, mapping: ClaimMapping) -> Mapping[str, Any]:
    """Return the claims of a checked token, with the name and the roles of the userinfo where it lacks them.

    Raises ProviderFault when the provider publishes a userinfo endpoint that can't be used, and IdentityRefused when it answers for
    another person.
    """
    lacking = [name for name in (mapping.name_claim, mapping.role_claim) if name not in token.claims]
    endpoint = str((await provider.metadata()).get("userinfo_endpoint") or "")
    if not lacking or not endpoint or not token.access_token:
        return token.claims
    headers = {"Authorization": f"Bearer {token.access_token}"}
    told = await provider.ask("GET", endpoint, headers=headers)
    if told.get("sub") != token.claims.get("sub"):  # Core 5.3.2: it must not be used then
        raise IdentityRefused(
            f"The userinfo of {provider.issuer} is that of another person than its ID token"
        )
    found = dict(token.claims) | {name: told[name] for name in lacking if name in told}
    if mapping.name_claim in lacking and mapping.name_claim == "email":
        found["email_verified"] = told.get("email_verified", True)
    return found
