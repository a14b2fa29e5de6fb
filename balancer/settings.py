"""The balancer's settings."""

import dataclasses

from balancer.book.settings import BookSettings
from runtime.service_settings import OrderSettings
from runtime.settings import (
    DNS,
    integer,
    number,
    port,
    setting,
    sources,
    urls_if_any,
)


def history_source(text: str) -> str:
    """The base URL of a Prometheus; '' when nothing is set."""
    found = urls_if_any(text)
    if len(found) > 1:
        raise ValueError("one URL of the form http://host:port is accepted")
    return found[0] if found else ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(BookSettings, OrderSettings):
    """The settings that a balancer reads from the environment."""

    http_port: int = setting("BALANCER_PORT", "8001", port, "port of /fleet, /metrics and the health pages")
    stream_port: int = setting("BALANCER_STREAM_PORT", "9001", port, "port of the stream for gateways")
    substations: tuple[str, ...] = setting(
        "SUBSTATIONS",
        "http://127.0.0.1:8101,http://127.0.0.1:8102,http://127.0.0.1:8103",
        sources,
        "base URLs of the substations, or dns://name:port",
    )
    poll_s: float = setting("POLL_S", "1", number(0.05, 60), "seconds between polls of a substation")
    most_waiting: int = setting(
        "MOST_WAITING", "1000", integer(0, 100_000), "requests that may wait for room at once"
    )
    discover_s: float = setting(
        "DISCOVER_S", "5", number(0.1, 3600), "seconds between two look-ups of a name"
    )
    one_session_per_vehicle: int = setting(
        "ONE_SESSION_PER_VEHICLE", "0", integer(0, 1), "1 gives a vehicle one session at a time"
    )
    history: str = setting(
        "HISTORY", "", history_source, "base URL of the Prometheus from which the past is learned at a start"
    )

    def called(self) -> list[tuple[str, str]]:
        """Return the URLs of the substations; a name to look up has no scheme."""
        return [("SUBSTATIONS", source) for source in self.substations if not source.startswith(DNS)]

    def faults(self) -> list[str]:
        """Return what is wrong with the combination of settings."""
        return OrderSettings.faults(self) + BookSettings.faults(self)
