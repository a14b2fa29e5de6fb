"""Who an ID token names: checks its claims, and maps them to a name and a role.

Pure. Rules, after OpenID Connect Core 1.0, 3.1.3.7:

- issuer, audience, nonce and time must be right; clocks may differ by LEEWAY_S;
- whoever has no value in the role claim that the settings map to a role is refused. Of several roles, the highest counts;
- an address that the provider has not verified is nobody's name;
- a name that is not an address gets the host of the provider, so that it is never that of an account here.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from authlib.oidc.core import CodeIDToken
from joserfc.errors import JoseError

from admin_ui.web.logins import Role

LEEWAY_S = 60
LONGEST_NAME = 100
ANY = "*"  # in the settings: everybody whom the provider knows
MOST_NAMED = 10  # groups that a message names


class IdentityRefused(Exception):
    """The token names nobody who may log in; the message says why, and what to do."""


@dataclasses.dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say: its issuer, the client that it is for, and the nonce of the request.

    `max_age_s` is how long ago the person may have given the password to the provider, None for any time.
    """

    issuer: str
    client_id: str
    nonce: str
    max_age_s: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class ClaimMapping:
    """Which claim holds the name, which one the roles, and the role of each of its values."""

    name_claim: str
    role_claim: str
    roles: Mapping[str, Role]


@dataclasses.dataclass(frozen=True, slots=True)
class Identity:
    """A person whom the provider has authenticated."""

    name: str
    role: Role


def check(
    claims: Mapping[str, Any],
    header: Mapping[str, Any],
    access_token: str,
    expected: Expected,
    now_unix_s: float,
) -> None:
    """Raise IdentityRefused unless the claims of a token whose signature is right are those that are expected."""
    options: dict[str, Any] = {
        "iss": {"essential": True, "value": expected.issuer},
        "aud": {"essential": True, "value": expected.client_id},
        "sub": {"essential": True},
    }
    params = {"nonce": expected.nonce, "client_id": expected.client_id, "access_token": access_token}
    try:
        CodeIDToken(dict(claims), dict(header), options, params).validate(int(now_unix_s), LEEWAY_S)
    except JoseError as error:
        raise IdentityRefused(
            f"The ID token of {expected.issuer} can't be used: {error.description or error.error}"
            f"{_clock_hint(claims, now_unix_s)}"
        ) from None
    if expected.max_age_s is None:
        return
    given_unix_s = claims.get("auth_time")
    if not isinstance(given_unix_s, int | float) or now_unix_s - given_unix_s > expected.max_age_s + LEEWAY_S:
        raise IdentityRefused(
            f"The provider {expected.issuer} did not ask for the password again (auth_time)"
        )


def identity(claims: Mapping[str, Any], issuer: str, mapping: ClaimMapping) -> Identity:
    """Return the person whom claims name; raises IdentityRefused for one who may not log in."""
    name = claims.get(mapping.name_claim)
    if not isinstance(name, str) or not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise IdentityRefused(
            f"Neither the ID token nor the userinfo has a usable claim {mapping.name_claim!r}: the provider must send it, or"
            " OIDC_NAME_CLAIM must name another"
        )
    if mapping.name_claim == "email" and claims.get("email_verified", True) not in (True, "true"):
        raise IdentityRefused(f"The provider {issuer} has not verified the address {name}")
    name = name.strip()
    if "@" not in name:
        name = f"{name}@{urlsplit(issuer).hostname}"
    values = _values(claims.get(mapping.role_claim))
    found = [mapping.roles[value] for value in (*values, ANY) if value in mapping.roles]
    if not found:
        has = ", ".join(values[:MOST_NAMED]) or "nothing"
        raise IdentityRefused(
            f"There is no role here for {name}: the claim {mapping.role_claim!r} has {has}. Ask for one of the groups that OIDC_ROLES"
            " names"
        )
    return Identity(name, max(found))


def _values(claim: Any) -> list[str]:
    listed = claim if isinstance(claim, list) else [claim]
    return [str(each) for each in listed if isinstance(each, str) and each != ANY]


def _clock_hint(claims: Mapping[str, Any], now_unix_s: float) -> str:
    until = claims.get("exp")
    if isinstance(until, int | float) and until + LEEWAY_S < now_unix_s:
        return f"; it ended {now_unix_s - until:.0f} s ago by the clock of this machine, which may be wrong"
    return ""
