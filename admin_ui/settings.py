"""The console's settings."""

import dataclasses
import ipaddress
import re
from pathlib import Path
from urllib.parse import urlsplit

from admin_ui.single_sign_on_settings import SingleSignOnSettings
from admin_ui.web import base_path
from admin_ui.web.proxies import Network, networks
from runtime.service_settings import BalancerClientSettings
from runtime.settings import (
    DNS,
    address,
    address_if_any,
    integer,
    local_url,
    number,
    page_url_if_any,
    path,
    path_if_any,
    port,
    setting,
    sources,
    urls,
    urls_if_any,
)
from runtime.tls.identity import Role

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
class GridAddresses(BalancerClientSettings):
    """Where the services of the grid are, and what they must prove there."""

    balancer: tuple[str, ...] = setting(
        "BALANCER_URL",
        "http://127.0.0.1:8001",
        sources,
        "base URL of the balancer; of several, separated by commas, or dns://name:port",
    )
    discover_s: float = setting(
        "DISCOVER_S", "5", number(0.1, 3600), "seconds between two look-ups of a name"
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

    @property
    def gateway_calls(self) -> str:
        """The base URL at which the console asks the gateway: under TLS the one where it shows its certificate."""
        return (self.gateway_monitors or self.gateway)[0] if self.tls_ca else self.gateway[0]

    @property
    def balancer_urls(self) -> list[str]:
        """The base URLs of the balancers as the settings name them; a name stands for any of its addresses."""
        return [
            f"{self.scheme}://{source.removeprefix(DNS)}" if source.startswith(DNS) else source
            for source in self.balancer
        ]

    @property
    def roles(self) -> dict[str, Role | None]:
        """The roles behind the URLs of this grid: what a certificate must prove there. None: the public API."""
        found: dict[str, Role | None] = dict.fromkeys(self.gateway_monitors, Role.GATEWAY)
        found |= dict.fromkeys(self.gateway)  # where a gateway has no port of its own, too
        return found | dict.fromkeys(self.balancer_urls, Role.BALANCER)

    def called(self) -> list[tuple[str, str]]:
        """Return the URLs of services that ask for certificates, with the names of their settings; a name has no scheme."""
        balancers = [source for source in self.balancer if not source.startswith(DNS)]
        called = {"BALANCER_URL": balancers, "GATEWAY_MONITOR_URLS": self.gateway_monitors}
        return [(name, url) for name, found in called.items() for url in found]


@dataclasses.dataclass(frozen=True, kw_only=True)
class OwnAddresses(BalancerClientSettings):
    """Where the console listens, and where browsers reach it."""

    bind: str = setting("CONSOLE_BIND", "127.0.0.1", address, "the address to listen on")
    published_on: str = setting(
        "PUBLISHED_ON",
        "",
        address_if_any,
        "in a container: the address where its port is published, else CONSOLE_BIND",
    )
    http_port: int = setting("CONSOLE_PORT", "8080", port, "port of the pages")
    port_published: int = setting(
        "PORT_PUBLISHED",
        "0",
        port,
        "in a container: the port of the machine at which it is published; 0: CONSOLE_PORT",
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
    public_cert: Path | None = setting(
        "CONSOLE_TLS_CERT",
        "",
        path_if_any,
        "certificate chain (PEM) with which the console speaks TLS itself",
    )
    public_key: Path | None = setting(
        "CONSOLE_TLS_KEY", "", path_if_any, "private key (PEM) of that certificate"
    )

    @property
    def url(self) -> str:
        """The base URL of the console for a browser on this machine."""
        scheme = "https" if self.public_cert else "http"
        at = (self.published_on or self.bind, self.port_published or self.http_port)
        return local_url(*at, scheme) + self.base_path

    @property
    def pages_url(self) -> str:
        """What links in messages begin with: the URL of the console where it is known, else its path alone."""
        return self.browsers_url or (self.url if self.published_on else self.base_path)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(OwnAddresses, SingleSignOnSettings, AlarmSettings, GridAddresses):
    """The settings that a console reads from the environment."""

    data: Path = setting("DATA_DIR", "data", path, "folder that holds people, logins and the audit log")
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
    gateway_key: Path | None = setting(
        "GATEWAY_API_KEY_FILE", "", path_if_any, "file with the API key that the gateway asks the console for"
    )
    monitor_port: int = setting(
        "CONSOLE_MONITOR_PORT",
        "0",
        port,
        "port of the console's metrics and health pages for monitoring, which asks for certificates; 0: none",
    )

    @property
    def runs(self) -> Path:
        """The folder of the load test's runs."""
        return self.runs_folder or self.data / "runs"

    @property
    def links_url(self) -> str:
        """The base URL of personal links: '' for that of the request, as where CONSOLE_URL is not the one by TLS."""
        plain = self.browsers_url.startswith("http:") and (self.behind_tls or self.public_cert)
        return "" if plain else self.browsers_url

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the console."""
        return ipaddress.ip_address(self.published_on or self.bind).is_loopback and not self.behind_tls

    def faults(self) -> list[str]:
        """Return the faults in combinations of settings."""
        return [
            *self.tls_faults(self.called()),
            *self._incomplete(),
            *self.oidc_faults(),
            *self._plain_faults(),
        ]

    def _incomplete(self) -> list[str]:
        """Return the settings that need another one, or fewer values."""
        faults = {
            "GATEWAY_URL takes one URL": len(self.gateway) > 1,
            "CONSOLE_TLS_CERT and CONSOLE_TLS_KEY go together": bool(self.public_cert)
            != bool(self.public_key),
            "CONSOLE_MONITOR_PORT asks for certificates: it needs TLS_CA, TLS_CERT and TLS_KEY": self.monitor_port
            and not self.tls_ca,
            "ALARM_WEBHOOK_URL and ALARM_WEBHOOK_SECRET_FILE go together": bool(self.webhook_url)
            != bool(self.webhook_secret),
            f"CONSOLE_URL={self.browsers_url} must end with CONSOLE_PATH={self.base_path or '(empty)'}": (
                self.browsers_url and urlsplit(self.browsers_url).path != self.base_path
            ),
            "OIDC_ISSUER behind a proxy needs CONSOLE_URL, to which the provider sends browsers back": (
                self.oidc_issuer and self.behind_tls and not self.browsers_url
            ),
        }
        return [fault for fault, applies in faults.items() if applies]

    def _plain_faults(self) -> list[str]:
        """Return the fault of an address that lets passwords go over a network in the clear."""
        name, address = (
            ("PUBLISHED_ON", self.published_on) if self.published_on else ("CONSOLE_BIND", self.bind)
        )
        if self.behind_tls or self.public_cert or ipaddress.ip_address(address).is_loopback:
            return []
        plain = (
            f"{name}={address} lets other machines in, and passwords would go over the network in the clear:"
            " set CONSOLE_TLS_CERT and CONSOLE_TLS_KEY, or put a proxy that speaks TLS in front and set"
            " BEHIND_TLS_PROXY=1, or bind to a loopback address"
        )
        return [plain]
