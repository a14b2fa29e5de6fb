"""The substation's settings."""

import dataclasses
from pathlib import Path

from runtime.service_settings import OrderSettings
from runtime.settings import integer, matching, number, path, port, setting
from substation.base_load.calendar import day_time_ms
from substation.base_load.sources import BaseLoad, BaseLoadOptions, base_load, source
from substation.outlook import BaseLoadOutlook

W_PER_KW = 1000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings(OrderSettings):
    """The settings that a substation reads from the environment."""

    http_port: int = setting(
        "SUBSTATION_PORT",
        "8101",
        port,
        "port of /metrics, /sessions, /base-load, /backup and the health pages",
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
    admit: str = setting(
        "ADMIT",
        "now",
        matching("now|forecast", "now or forecast"),
        "what a new car must leave room for: the base load of now, or the forecast one of the next 4 h, too",
    )
    base_load: str = setting(
        "BASE_LOAD",
        "off",
        source,
        "what else the transformer carries: a profile, a meter's readings, or nothing",
    )
    base_load_kw: float = setting(
        "BASE_LOAD_KW",
        "0",
        number(0, 1_000_000),
        "the peak to which a profile is scaled in kW (0: as recorded); for a meter, what counts before its first reading",
    )
    base_load_shift_h: float = setting(
        "BASE_LOAD_SHIFT_H",
        "0",
        number(-8784, 8784),
        "hours by which a profile is played later than recorded",
    )
    base_load_noise: float = setting(
        "BASE_LOAD_NOISE",
        "0",
        number(0, 1),
        "standard deviation of the noise on a profile, a share of the load",
    )
    base_load_meter_s: float = setting(
        "BASE_LOAD_METER_S", "60", number(0.1, 86_400), "seconds between two readings of the meter"
    )
    day_starts_ms: int = setting(
        "DAY_STARTS_AT", "06:00", day_time_ms, "the time of day at which the grid clock began, on a Monday"
    )

    @property
    def outlook(self) -> BaseLoadOutlook | None:
        """What admissions are decided by until a balancer hands a forecast over; None when only the load of now counts."""
        return BaseLoadOutlook() if self.admit == "forecast" else None

    @property
    def capacity_w(self) -> int:
        """The rated limit in watts."""
        return self.capacity_kw * W_PER_KW

    def base_load_of(self, substation_id: str, known_w: int) -> BaseLoad:
        """Return the source of a substation's base load; `known_w` is its base load at the last commit.

        Raises ValueError or OSError for a file that can't be used any more.
        """
        options = BaseLoadOptions(
            self.base_load,
            self.base_load_kw,
            self.base_load_shift_h,
            self.base_load_noise,
            self.day_starts_ms,
            self.base_load_meter_s,
        )
        return base_load(options, substation_id, self.time_scale, known_w)
