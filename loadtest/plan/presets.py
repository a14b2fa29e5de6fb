"""The presets: what each sends to the grid, and what breaks it then; nothing but data.

Limits are written as `--fail-if` takes them (`loadtest.judge.thresholds`).
"""

import dataclasses
from collections.abc import Mapping

SAFE = ("overload_ws > 0", "recomputed_kw > 0", "failed > 0", "refused_untold > 0")  # in every preset
BALANCED = ("max_mean > 1.05",)
ROOM_FOR_ALL = ("refused > 0", "first_refused > 0")


@dataclasses.dataclass(frozen=True, slots=True)
class Preset:
    """What a subcommand sends unless its options say otherwise.

    Attributes:
        name: The subcommand.
        about: What it does, in a line.
        requests: How many cars arrive; None: as many as ask at their peak for `peak_share`.
        seconds: The window in which they arrive.
        shape: A name in `loadtest.plan.shapes.SHAPES`.
        peak_share: The highest power that is asked for at once, over the fleet's capacity.
        confined_share: The share of the cars that can use one substation only.
        drain_at_share: When one substation is drained, as a share of the window; None: never.
        retries: How often a request is sent again.
        limits: What breaks a run.
    """

    name: str
    about: str
    requests: int | None = 500
    seconds: float = 60.0
    shape: str = "uniform"
    peak_share: float | None = None
    confined_share: float = 0.0
    drain_at_share: float | None = None
    retries: int = 2
    limits: tuple[str, ...] = (*SAFE, *BALANCED, *ROOM_FOR_ALL)


_ALL = (
    Preset("rush-hour", "500 cars at random moments within 60 s; the grid must stay balanced"),
    # They ask for a third more than there is. How evenly a full fleet empties is chance: not judged.
    Preset(
        "burst",
        "500 cars in one instant; those for whom there is no room must be told when to come back",
        shape="instant",
        limits=SAFE,
    ),
    Preset(
        "overload",
        "cars that ask for 130 % of the fleet's capacity; what is too much must be refused, never admitted",
        requests=None,
        peak_share=1.3,
        limits=(*SAFE, *BALANCED),
    ),
    # Fewer than in the rush hour, so that their peak fits into the fleet as well as that of the rush hour.
    Preset("spike", "400 cars, 60 % of them in a tenth of the time", requests=400, shape="spike"),
    # Their peak is at 62 % of three substations, 93 % of the two that are left.
    Preset(
        "outage",
        "333 cars; one substation is drained after a third of the time, and restored after the run",
        requests=333,
        drain_at_share=1 / 3,
        limits=(*SAFE, *ROOM_FOR_ALL, "imbalance_vs_oracle > 1.1"),
    ),
    # 225 cars on one substation ask for a quarter more than it has, while the others have room. Nobody comes
    # back: the oracle, which this is held against, knows no second try.
    Preset(
        "hot-spot",
        "300 cars, three quarters of which can use one substation only; the others must avoid it",
        requests=300,
        confined_share=0.75,
        retries=0,
        limits=(*SAFE, "imbalance_vs_oracle > 1.05"),
    ),
)

PRESETS: Mapping[str, Preset] = {preset.name: preset for preset in _ALL}
