"""The substation's settings."""

import dataclasses
from pathlib import Path

from runtime import operator_token
from runtime.settings import address, host_names, integer, matching, number, path, path_if_any, port, setting

W_PER_KW = 1000


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a substation reads from the environment."""

    bind: str = setting("BIND", "127.0.0.1", address, "the address to listen on")
    http_port: int = setting(
        "SUBSTATION_PORT", "8101", port, "port of /metrics, /sessions, /backup and the health pages"
    )
    grpc_port: int = setting("SUBSTATION_GRPC_PORT", "9101", port, "port of the stream for balancers")
    substation_id: str = setting(
        "SUBSTATION_ID",
        "",
        matching("([a-z0-9][a-z0-9-]{0,62})?", "up to 63 of a-z, 0-9 and -"),
        "who this is; when empty, the first free slot of DATA_DIR",
    )
    data: Path = setting("DATA_DIR", "data", path, "folder that holds one folder for each substation")
    capacity_kw: int = setting("CAPACITY_KW", "1400", integer(1, 1_000_000), "the rated limit in kW")
    time_scale: float = setting(
        "TIME_SCALE", "120", number(0.001, 100_000), "grid seconds that pass in a wall second"
    )
    accept_loss: int = setting(
        "ACCEPT_LOST_COMMITS", "0", integer(0, 1), "1 starts with a journal that lacks commits"
    )
    backups: int = setting("MOST_BACKUPS", "10", integer(1, 10_000), "backups that are kept, the newest ones")
    operator_token: Path | None = setting(
        "OPERATOR_TOKEN_FILE",
        "",
        path_if_any,
        "file with the operator token, required for orders and balancer streams",
    )
    open_to_orders: int = setting(
        "ALLOW_UNAUTHENTICATED_ORDERS",
        "0",
        integer(0, 1),
        "1 takes orders from other machines without a token",
    )
    allowed_hosts: tuple[str, ...] = setting(
        "ALLOWED_HOSTS", "", host_names, "host names that clients may use, besides addresses and localhost"
    )

    @property
    def capacity_w(self) -> int:
        """The rated limit in watts."""
        return self.capacity_kw * W_PER_KW

    def faults(self) -> list[str]:
        """Return what is wrong with the combination of settings."""
        return operator_token.faults(self.bind, self.operator_token, open_to_all=bool(self.open_to_orders))
