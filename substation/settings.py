"""The substation's settings."""

import dataclasses
from pathlib import Path

from runtime.service_settings import OrderSettings
from runtime.settings import integer, matching, number, path, port, setting

W_PER_KW = 1000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(OrderSettings):
    """The settings that a substation reads from the environment."""

    http_port: int = setting(
        "SUBSTATION_PORT", "8101", port, "port of /metrics, /sessions, /backup and the health pages"
    )
    stream_port: int = setting("SUBSTATION_STREAM_PORT", "9101", port, "port of the stream for balancers")
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

    @property
    def capacity_w(self) -> int:
        """The rated limit in watts."""
        return self.capacity_kw * W_PER_KW
