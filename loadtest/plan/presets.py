"""The presets: what each sends to the grid, and the limits of its thresholds.

Pure.

Limits are written as `--fail-if` accepts them (`loadtest.judge.thresholds`).
"""

import dataclasses
from collections.abc import Mapping

from loadtest.contract import DEFAULT_PRESET, DEFAULT_SECONDS, PresetSummary

SAFE = (
    "overload_ws > 0",
    "recomputed_kw > 0",
    "failed > 0",
    "refused_without_retry_after > 0",
)  # in every preset
BALANCED = ("max_mean > 1.05",)
DAY_SECONDS = 720.0  # 24 h at the time scale of `make run`, 120
ROOM_FOR_ALL = ("refused > 0", "first_refused > 0")


@dataclasses.dataclass(frozen=True, slots=True)
class Preset:
    """The defaults of a subcommand.

    Attributes:
        name: The subcommand.
        about: What it does, in a line.
        requests: How many cars arrive; None: as many as request `peak_share` at their peak.
        seconds: The window in which they arrive.
        shape: A name in `loadtest.plan.shapes.SHAPES`.
        peak_share: The highest requested power at one moment, over the fleet's capacity.
        confined_share: The share of the cars that can use one substation only.
        drain_at_share: When one substation is drained, as a share of the window; None: never.
        retries: How often a request is sent again.
        limits: The limits of its thresholds.
    """

    name: str
    about: str
    requests: int | None = 500
    seconds: float = DEFAULT_SECONDS
    shape: str = "uniform"
    peak_share: float | None = None
    confined_share: float = 0.0
    drain_at_share: float | None = None
    retries: int = 2
    limits: tuple[str, ...] = (*SAFE, *BALANCED, *ROOM_FOR_ALL)

    def summary(self) -> PresetSummary:
        """Return the preset as `--list --json` shows it."""
        return PresetSummary(self.name, self.about, self.requests, self.seconds)


_ALL = (
    Preset(DEFAULT_PRESET, "500 cars at random moments within 60 s; the grid must stay balanced"),
    # They request a third more than the capacity. How evenly a full fleet empties is chance, so it is not judged.
    Preset(
        "burst",
        "500 cars in one instant; every refusal must say when to come back",
        shape="instant",
        limits=SAFE,
    ),
    Preset(
        "overload",
        "cars that request 130 % of the fleet's capacity; the excess must be refused, never admitted",
        requests=None,
        peak_share=1.3,
        limits=(*SAFE, *BALANCED),
    ),
    # Fewer cars than in the rush hour, so that their peak fits into the fleet.
    Preset("spike", "400 cars, 60 % of them in a tenth of the time", requests=400, shape="spike"),
    # Their peak is at 62 % of three substations, 93 % of the two that are left.
    Preset(
        "outage",
        "333 cars; one substation is drained after a third of the time, and restored after the run",
        requests=333,
        drain_at_share=1 / 3,
        limits=(*SAFE, *ROOM_FOR_ALL, "imbalance_vs_oracle > 1.1"),
    ),
    # 225 cars request a quarter more than the capacity of one substation, while the others have room. No car
    # tries again, because the oracle that this is compared with knows no second attempt.
    Preset(
        "hot-spot",
        "300 cars, three quarters of which can use one substation only; the others must avoid it",
        requests=300,
        confined_share=0.75,
        retries=0,
        limits=(*SAFE, "imbalance_vs_oracle > 1.05"),
    ),
    # In the evening the base load of `make run` is 7 to 8 % of its limits, so the peak is at about 90 %. How even a substation's other consumers are is not the balancer's, so evenness is not judged. Pauses must end an
    # overload within 2 s; a second more is for the samples that see it.
    Preset(
        "day",
        "a day of 24 h of grid time with the arrivals of its morning and evening; base load and cars fill the grid to 90 %",
        requests=None,
        seconds=DAY_SECONDS,
        shape="day",
        peak_share=0.82,
        limits=(*SAFE, "longest_overload_s > 3"),
    ),
)

PRESETS: Mapping[str, Preset] = {preset.name: preset for preset in _ALL}
