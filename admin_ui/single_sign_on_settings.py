"""The console's settings of single sign-on with OpenID Connect."""

import dataclasses
import ipaddress
import re
from pathlib import Path
from urllib.parse import urlsplit

from admin_ui.web.logins import Role
from runtime.service_settings import BalancerClientSettings
from runtime.settings import matching, path_if_any, setting


def secure_url(url: str) -> bool:
    """Whether a URL is https, or http on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port_given = parts.port  # raises for what is no port
    except ValueError:
        return False
    local = host == "localhost" or (re.fullmatch(r"[0-9.]+|[0-9a-f:]+", host) and _loopback(host))
    return (
        bool(host) and port_given != 0 and (parts.scheme == "https" or bool(parts.scheme == "http" and local))
    )


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def issuer_if_any(text: str) -> str:
    """The URL of an OpenID provider, exactly as it names itself; empty when nothing is set."""
    if text and (not secure_url(text) or urlsplit(text).query or urlsplit(text).fragment):
        raise ValueError(
            "an https URL such as https://login.example/realms/grid is accepted; http on this machine alone"
        )
    return text


def role_map(text: str) -> dict[str, Role]:
    """Roles by the values of a claim: pairs `value=role`, separated by commas; `*` stands for everybody."""
    found: dict[str, Role] = {}
    for pair in filter(None, (each.strip() for each in text.split(","))):
        value, _, role = (each.strip() for each in pair.rpartition("="))
        if not value or role not in ("viewer", "operator", "administrator") or value in found:
            raise ValueError(
                f"{pair!r}: pairs such as grid-ops=operator, separated by commas, are accepted; roles are viewer, operator"
                " and administrator, and each value comes once"
            )
        found[value] = Role[role.upper()]
    return found


@dataclasses.dataclass(frozen=True, kw_only=True)
class SingleSignOnSettings(BalancerClientSettings):
    """The settings of single sign-on with OpenID Connect."""

    oidc_issuer: str = setting(
        "OIDC_ISSUER", "", issuer_if_any, "URL of the OpenID provider for single sign-on; empty: none"
    )
    oidc_client_id: str = setting(
        "OIDC_CLIENT_ID",
        "",
        matching(r"[\x21-\x7e]{0,255}", "visible ASCII"),
        "ID of the console as a client of that provider",
    )
    oidc_secret: Path | None = setting(
        "OIDC_CLIENT_SECRET_FILE",
        "",
        path_if_any,
        "file with the secret of that client; empty: a public client",
    )
    oidc_scopes: str = setting(
        "OIDC_SCOPES",
        "openid profile email",
        matching(r"openid( [\x21\x23-\x5b\x5d-\x7e]{1,100}){0,20}", "openid, and other scopes after it"),
        "scopes that are asked for",
    )
    oidc_name_claim: str = setting(
        "OIDC_NAME_CLAIM",
        "preferred_username",
        matching(r"[A-Za-z0-9_.:/-]{1,100}", "the name of a claim"),
        "claim of the ID token with the name of a person",
    )
    oidc_role_claim: str = setting(
        "OIDC_ROLE_CLAIM",
        "groups",
        matching(r"[A-Za-z0-9_.:/-]{1,100}", "the name of a claim"),
        "claim with the groups or roles of a person",
    )
    oidc_roles: dict[str, Role] = setting(
        "OIDC_ROLES",
        "",
        role_map,
        "which value of that claim gives which role here; whoever has none may not log in",
    )

    def oidc_faults(self) -> list[str]:
        """Return the faults in the combination of these settings."""
        given = {
            "OIDC_CLIENT_ID": self.oidc_client_id,
            "OIDC_CLIENT_SECRET_FILE": self.oidc_secret,
            "OIDC_ROLES": self.oidc_roles,
        }
        if not self.oidc_issuer:
            return [f"{name} is set, but OIDC_ISSUER is not" for name, value in given.items() if value]
        faults = [
            f"OIDC_ISSUER is set, so {name} must be set too"
            for name in ("OIDC_CLIENT_ID", "OIDC_ROLES")
            if not given[name]
        ]
        try:
            if self.oidc_secret and not self.oidc_secret.read_text(encoding="utf-8").strip():
                faults.append(f"OIDC_CLIENT_SECRET_FILE={self.oidc_secret} is empty")
        except (OSError, ValueError) as error:
            faults.append(f"OIDC_CLIENT_SECRET_FILE={self.oidc_secret} can't be read: {error}")
        return faults
