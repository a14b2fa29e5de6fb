"""The settings that several services share, each with one name, one default and one description."""

import dataclasses
from pathlib import Path

from runtime import operator_token
from runtime.settings import address, host_names, integer, path_if_any, setting
from runtime.tls.settings import TlsSettings


@dataclasses.dataclass(frozen=True, kw_only=True)
class ListenerSettings(TlsSettings):
    """The settings of every service that listens for HTTP requests."""

    allowed_hosts: tuple[str, ...] = setting(
        "ALLOWED_HOSTS", "", host_names, "host names that clients may use, besides addresses and localhost"
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class BalancerClientSettings(ListenerSettings):
    """The settings of a service that calls a balancer."""

    operator_token: Path | None = setting(
        "OPERATOR_TOKEN_FILE",
        "",
        path_if_any,
        "file with the operator token, for a balancer that requires it",
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class OrderSettings(ListenerSettings):
    """The settings of a service that takes orders from operators."""

    bind: str = setting("BIND", "127.0.0.1", address, "the address to listen on")
    operator_token: Path | None = setting(
        "OPERATOR_TOKEN_FILE",
        "",
        path_if_any,
        "file with the operator token, required for orders and for streams to this service",
    )
    open_to_orders: int = setting(
        "ALLOW_UNAUTHENTICATED_ORDERS",
        "0",
        integer(0, 1),
        "1 takes orders from other machines without a token",
    )
    backups: int = setting("MOST_BACKUPS", "10", integer(1, 10_000), "backups that are kept, the newest ones")

    def faults(self) -> list[str]:
        """Return what is wrong with the combination of settings."""
        return [
            *self.tls_faults(self.called()),
            *operator_token.faults(self.bind, self.operator_token, open_to_all=bool(self.open_to_orders)),
        ]

    def called(self) -> list[tuple[str, str]]:
        """Return the URLs of other services that are called, with the names of their settings."""
        return []
