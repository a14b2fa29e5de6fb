"""The gateway's settings."""

import dataclasses

from runtime.settings import address, matching, number, port, setting


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a gateway reads from the environment."""

    bind: str = setting("BIND", "127.0.0.1", address, "the address to listen on")
    http_port: int = setting("GATEWAY_PORT", "8000", port, "port of the public API")
    balancer: str = setting(
        "BALANCER", "127.0.0.1:9001", matching(r"[^\s/]+:[0-9]{1,5}", "host:port"), "the balancer's stream"
    )
    deadline_s: float = setting(
        "DEADLINE_S", "5", number(0.5, 60), "seconds within which a request is answered"
    )
