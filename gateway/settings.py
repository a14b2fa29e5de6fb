"""The gateway's settings."""

import dataclasses
import ipaddress
import re
from pathlib import Path

from gateway.callers import PER_MINUTE
from runtime.connections import Limits
from runtime.service_settings import BalancerClientSettings
from runtime.settings import (
    DNS,
    HIGHEST_PORT,
    address,
    address_if_any,
    dns_source,
    integer,
    number,
    path_if_any,
    port,
    setting,
)

HOST_PORT = re.compile(r"[^\s/,]+:([0-9]{1,5})")


def balancers(text: str) -> tuple[str, ...]:
    """The streams of balancers, separated by commas: `host:port`, and `dns://name:port` for all addresses of a name."""
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    if not found or len(set(found)) != len(found):
        raise ValueError(
            "one or more different host:port or dns://name:port, separated by commas, are accepted"
        )
    for entry in found:
        if entry.startswith(DNS):
            dns_source(entry)
        elif not (parts := HOST_PORT.fullmatch(entry)) or not 0 < int(parts[1]) <= HIGHEST_PORT:
            raise ValueError(f"{entry!r} is not of the form host:port")
    return found


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(BalancerClientSettings):
    """The settings that a gateway reads from the environment."""

    bind: str = setting("BIND", "127.0.0.1", address, "the address to listen on")
    published_on: str = setting(
        "PUBLISHED_ON",
        "",
        address_if_any,
        "in a container: the address where its port is published, else BIND",
    )
    http_port: int = setting("GATEWAY_PORT", "8000", port, "port of the public API")
    monitor_port: int = setting(
        "GATEWAY_MONITOR_PORT",
        "0",
        port,
        "port of this process's own metrics and health pages; with it, GATEWAY_PORT is shared with other processes",
    )
    balancers: tuple[str, ...] = setting(
        "BALANCER",
        "127.0.0.1:9001",
        balancers,
        "the balancers' streams: host:port, separated by commas, or dns://name:port",
    )
    discover_s: float = setting(
        "DISCOVER_S", "5", number(0.1, 3600), "seconds between two look-ups of a name"
    )
    deadline_s: float = setting(
        "DEADLINE_S", "5", number(0.5, 60), "seconds within which a request is answered, its wait apart"
    )
    max_wait_s: float = setting(
        "MAX_WAIT_S", "60", number(0, 3600), "most seconds for which a request waits for room"
    )
    api_keys: Path | None = setting("API_KEYS", "", path_if_any, "the file of API keys")
    allow_anonymous: int = setting(
        "ALLOW_ANONYMOUS", "0", integer(0, 1), "1 serves other machines without asking for a key"
    )
    quota_per_minute: int = setting(
        "QUOTA_PER_MINUTE",
        "60000",
        integer(PER_MINUTE[0], PER_MINUTE[-1]),
        "requests of one caller in a minute",
    )
    public_cert: Path | None = setting(
        "GATEWAY_TLS_CERT",
        "",
        path_if_any,
        "certificate chain (PEM) with which the public API speaks TLS",
    )
    public_key: Path | None = setting(
        "GATEWAY_TLS_KEY", "", path_if_any, "private key (PEM) of that certificate"
    )
    connections: int = setting(
        "MAX_CONNECTIONS", str(Limits().connections), integer(1, 1_000_000), "connections at once"
    )
    connections_per_address: int = setting(
        "MAX_CONNECTIONS_PER_ADDRESS",
        str(Limits().per_address),
        integer(0, 1_000_000),
        "connections of one address at once; 0: no limit per address",
    )

    def faults(self) -> list[str]:
        """Return the faults in combinations of settings."""
        return [*self.tls_faults(), *self._public_faults(), *self._port_faults(), *self._access_faults()]

    def _public_faults(self) -> list[str]:
        together = bool(self.public_cert) == bool(self.public_key)
        return [] if together else ["GATEWAY_TLS_CERT and GATEWAY_TLS_KEY go together"]

    def _port_faults(self) -> list[str]:
        if self.monitor_port and self.http_port in {0, self.monitor_port}:
            return ["GATEWAY_MONITOR_PORT needs a GATEWAY_PORT that is another port, and not 0"]
        return []

    def _access_faults(self) -> list[str]:
        if self.api_keys:
            both = "API_KEYS and ALLOW_ANONYMOUS=1 contradict each other: set one of them"
            return [both] if self.allow_anonymous else []
        name, address = ("PUBLISHED_ON", self.published_on) if self.published_on else ("BIND", self.bind)
        if self.allow_anonymous or ipaddress.ip_address(address).is_loopback:
            return []
        open_to_all = (
            f"API_KEYS is not set, and {name}={address} lets other machines in: set it to a file of keys"
            " (python -m gateway.keys makes them), or ALLOW_ANONYMOUS=1 to do without"
        )
        return [open_to_all]
