"""The balancer's settings."""

import dataclasses
from pathlib import Path

from runtime.settings import address, integer, number, path, port, setting, urls


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a balancer reads from the environment."""

    bind: str = setting("BIND", "127.0.0.1", address, "the address to listen on")
    http_port: int = setting("BALANCER_PORT", "8001", port, "port of /fleet, /metrics and the health pages")
    grpc_port: int = setting("BALANCER_GRPC_PORT", "9001", port, "port of the stream for gateways")
    data: Path = setting("DATA_DIR", "data", path, "folder that holds the order book")
    substations: tuple[str, ...] = setting(
        "SUBSTATIONS", "http://127.0.0.1:8101,http://127.0.0.1:8102,http://127.0.0.1:8103", urls,
        "base URLs of the substations",
    )  # fmt: skip
    poll_s: float = setting("POLL_S", "1", number(0.05, 60), "seconds between polls of a substation")
    most_waiting: int = setting(
        "MOST_WAITING", "1000", integer(0, 100_000), "requests that may wait for room at once"
    )
