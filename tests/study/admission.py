"""Which rule of admission has the fewest minutes of overload at equal numbers of refusals.

Compared are: the present load alone, with a share of the limit that always stays free; the highest base load of the day before; the
upper bound of the forecast. Sessions are not paused here: the minutes are those that pauses would have to end.
"""

import functools
import itertools
import statistics
from collections.abc import Mapping, Sequence

from balancer.forecast.calendar_days import SLOT_MS, SLOTS
from substation.outlook import BaseLoadOutlook
from tests.study.command_line import print_rows
from tests.study.days import REGIMES, World
from tests.study.grid import Admission, Grid, Room, by_now

MARGINS = (0.0, 0.03, 0.06, 0.1, 0.15, 0.22, 0.3)
BASE_SHARE = (0.75, 0.92)
MORE = {"mixed": 3.5, "public": 3.5, "few cars, long stays": 8.0}  # cars than usual: more than fit


def by_margin(share: float) -> Admission:
    """A share of the limit stays free."""

    def room(world: World, number: int, now_ms: int) -> Room:
        return Room(margin=share)

    return room


def by_highest_of_a_day(world: World, number: int, now_ms: int) -> Room:
    """The highest base load of the 24 h before counts all through the stay."""
    slot = now_ms // SLOT_MS
    return Room(BaseLoadOutlook(slot * SLOT_MS, (round(max(world.base_w[number][slot - SLOTS : slot])),)))


def by_day_before(world: World, number: int, now_ms: int) -> Room:
    """The base load of the day before, at the same time of day."""
    slot = now_ms // SLOT_MS
    course = world.base_w[number][slot - SLOTS : slot]
    return Room(BaseLoadOutlook(slot * SLOT_MS, tuple(map(round, course))))


def by_forecast(late: int = 0) -> Admission:
    """The upper bound of a forecast that was made so many quarter hours ago."""

    def room(world: World, number: int, now_ms: int) -> Room:
        slot = now_ms // SLOT_MS
        made = max(slot - late, world.first_slot)
        upper = world.forecasts[number][made - world.first_slot].upper[slot - made :]
        return Room(BaseLoadOutlook(slot * SLOT_MS, tuple(map(round, upper))))

    return room


RULES: Mapping[str, Admission] = {
    "now": by_now,
    "highest of a day": by_highest_of_a_day,
    "day before": by_day_before,
    "forecast": by_forecast(),
    "forecast of 2 h ago": by_forecast(8),
    "forecast of 6 h ago": by_forecast(24),
}


def row(regime: str, count: int, days: int, seeds: Sequence[int]) -> dict[str, object]:
    """Return refusals and overload minutes a day and substation by each rule, and of the margin with as many refusals."""

    def measured(admission: Admission) -> tuple[float, float]:
        found = [run_days(regime, count, days, seed, admission) for seed in seeds]
        return statistics.mean(refused for refused, _ in found), statistics.mean(over for _, over in found)

    margins = [measured(by_margin(share)) for share in MARGINS]
    rules = {name: measured(rule) for name, rule in RULES.items()}
    return {
        "regime": regime,
        "substations": count,
        "margins": [
            [share, round(refused, 2), round(over, 2)]
            for share, (refused, over) in zip(MARGINS, margins, strict=True)
        ],
        "rules": {
            name: {
                "refused, %": round(refused, 2),
                "overload min": round(over, 2),
                "of a margin": _round(at_refusals(margins, refused)),
            }
            for name, (refused, over) in rules.items()
        },
    }


def at_refusals(margins: Sequence[tuple[float, float]], refused: float) -> float | None:
    """Return the overload of the margin that refuses as many, linear between two; None beyond the largest."""
    for (few, more_over), (many, less_over) in itertools.pairwise(sorted(margins)):
        if few <= refused <= many:
            share = (refused - few) / (many - few) if many > few else 0.0
            return more_over + share * (less_over - more_over)
    return None


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


_world = functools.lru_cache(maxsize=64)(functools.partial(World, base_share=BASE_SHARE))


def run_days(regime: str, count: int, days: int, seed: int, admission: Admission) -> tuple[float, float]:
    """Return refused cars in percent, and overload minutes a day and substation."""
    world = _world(seed, count, days)
    found = Grid(world, "least_loaded", seed, admission=admission).run(world.cars(regime, seed, MORE[regime]))
    return 100 * found.refused / (found.placed + found.refused), found.overload_minutes / days / count


if __name__ == "__main__":
    print_rows(__doc__, list(REGIMES), row)
