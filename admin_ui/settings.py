"""The console's settings."""

import dataclasses
import ipaddress
import re
from pathlib import Path
from urllib.parse import urlsplit

from admin_ui.web import base_path
from admin_ui.web.logins import Role
from admin_ui.web.proxies import Network, networks
from runtime.service_settings import BalancerClientSettings
from runtime.settings import (
    address,
    address_if_any,
    integer,
    local_url,
    matching,
    number,
    page_url_if_any,
    path,
    path_if_any,
    port,
    setting,
    urls,
    urls_if_any,
)

SEVERITIES = ("critical", "warning")  # of alarms


def severities(text: str) -> frozenset[str]:
    """Severities of alarms, separated by commas."""
    found = frozenset(each.strip() for each in text.split(","))
    if not found <= frozenset(SEVERITIES):
        raise ValueError(f"some of {', '.join(SEVERITIES)}, separated by commas, are accepted")
    return found


def target_url_if_any(text: str) -> str:
    """An http or https URL with a path and a query; empty when nothing is set."""
    if text and not re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+(/[^\s#]*)?", text):
        raise ValueError("a URL such as https://host/path is accepted")
    return text


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


@dataclasses.dataclass(frozen=True, kw_only=True)
class AlarmSettings(BalancerClientSettings):
    """The settings of the alarms."""

    alarm_stale_s: float = setting(
        "ALARM_STALE_S",
        "10",
        number(1, 3600),
        "seconds from which a report counts as old: five polls of the balancer where those are longer",
    )
    alarm_delays: float = setting(
        "ALARM_DELAYS", "1", number(0, 60), "what the delays of all alarms are multiplied by"
    )

    webhook_url: str = setting(
        "ALARM_WEBHOOK_URL", "", target_url_if_any, "where alarms are sent, as signed JSON; empty: nowhere"
    )
    webhook_secret: Path | None = setting(
        "ALARM_WEBHOOK_SECRET_FILE", "", path_if_any, "file with the secret that signs them"
    )
    webhook_severities: frozenset[str] = setting(
        "ALARM_WEBHOOK_SEVERITIES", "critical", severities, "which alarms are sent: critical, warning"
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(SingleSignOnSettings, AlarmSettings):
    """The settings that a console reads from the environment."""

    bind: str = setting("CONSOLE_BIND", "127.0.0.1", address, "the address to listen on")
    published_on: str = setting(
        "PUBLISHED_ON",
        "",
        address_if_any,
        "in a container: the address where its port is published, else CONSOLE_BIND",
    )
    http_port: int = setting("CONSOLE_PORT", "8080", port, "port of the pages")
    data: Path = setting("DATA_DIR", "data", path, "folder that holds people, logins and the audit log")
    balancer: tuple[str, ...] = setting(
        "BALANCER_URL", "http://127.0.0.1:8001", urls, "base URL of the balancer's HTTP interface"
    )
    gateway: tuple[str, ...] = setting(
        "GATEWAY_URL", "http://127.0.0.1:8000", urls, "base URL of the gateway"
    )
    gateway_monitors: tuple[str, ...] = setting(
        "GATEWAY_MONITOR_URLS",
        "",
        urls_if_any,
        "base URLs of the metrics of each gateway process, where several share a port; empty: GATEWAY_URL",
    )
    runs_folder: Path | None = setting(
        "RUNS_DIR", "", path_if_any, "folder of the load test's runs; empty: `runs` in DATA_DIR"
    )
    grafana: str = setting("GRAFANA_URL", "", page_url_if_any, "base URL of Grafana for links")
    login_hours: float = setting("LOGIN_HOURS", "12", number(0.01, 720), "hours after which a login ends")
    idle_minutes: float = setting(
        "IDLE_MINUTES", "60", number(0.01, 10_000), "minutes after which a login that no open page uses ends"
    )
    behind_tls: int = setting(
        "BEHIND_TLS_PROXY", "0", integer(0, 1), "1 says that a proxy in front speaks TLS to browsers"
    )

    proxies: tuple[Network, ...] = setting(
        "TRUSTED_PROXIES",
        "127.0.0.1,::1",
        networks,
        "addresses or networks of the TLS proxies in front, for BEHIND_TLS_PROXY=1",
    )
    browsers_url: str = setting(
        "CONSOLE_URL", "", page_url_if_any, "base URL of the console in browsers, if not CONSOLE_BIND"
    )
    base_path: str = setting(
        "CONSOLE_PATH",
        "",
        base_path.parse,
        "path below which a proxy shows the console to browsers, such as /console",
    )
    gateway_key: Path | None = setting(
        "GATEWAY_API_KEY_FILE", "", path_if_any, "file with the API key that the gateway asks the console for"
    )
    tls_cert: Path | None = setting(
        "CONSOLE_TLS_CERT",
        "",
        path_if_any,
        "certificate chain (PEM) with which the console speaks TLS itself",
    )
    tls_key: Path | None = setting(
        "CONSOLE_TLS_KEY", "", path_if_any, "private key (PEM) of that certificate"
    )

    @property
    def runs(self) -> Path:
        """The folder of the load test's runs."""
        return self.runs_folder or self.data / "runs"

    @property
    def url(self) -> str:
        """The base URL of the console for a browser on this machine."""
        return local_url(self.bind, self.http_port, "https" if self.tls_cert else "http") + self.base_path

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the console."""
        return ipaddress.ip_address(self.published_on or self.bind).is_loopback and not self.behind_tls

    def faults(self) -> list[str]:
        """Return the faults in combinations of settings."""
        pairs = {
            "CONSOLE_TLS_CERT and CONSOLE_TLS_KEY": (self.tls_cert, self.tls_key),
            "ALARM_WEBHOOK_URL and ALARM_WEBHOOK_SECRET_FILE": (self.webhook_url, self.webhook_secret),
        }
        faults = [f"{names} go together" for names, (one, other) in pairs.items() if bool(one) != bool(other)]
        if len(self.balancer) > 1 or len(self.gateway) > 1:
            faults.append("BALANCER_URL and GATEWAY_URL take one URL each")
        if self.browsers_url and urlsplit(self.browsers_url).path != self.base_path:
            faults.append(
                f"CONSOLE_URL={self.browsers_url} must end with CONSOLE_PATH={self.base_path or '(empty)'}"
            )
        if self.oidc_issuer and self.behind_tls and not self.browsers_url:
            faults.append(
                "OIDC_ISSUER behind a proxy needs CONSOLE_URL, to which the provider sends browsers back"
            )
        return faults + self.oidc_faults() + self._plain_faults()

    def _plain_faults(self) -> list[str]:
        name, address = (
            ("PUBLISHED_ON", self.published_on) if self.published_on else ("CONSOLE_BIND", self.bind)
        )
        if self.behind_tls or self.tls_cert or ipaddress.ip_address(address).is_loopback:
            return []
        plain = (
            f"{name}={address} lets other machines in, and passwords would go over the network in the clear:"
            " set CONSOLE_TLS_CERT and CONSOLE_TLS_KEY, or put a proxy that speaks TLS in front and set"
            " BEHIND_TLS_PROXY=1, or bind to a loopback address"
        )
        return [plain]
