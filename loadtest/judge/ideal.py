"""The figures of the oracle, by the same definitions and at the same moments as those of the run."""

import dataclasses
from collections.abc import Sequence

from loadtest.judge import balance
from loadtest.plan.document import GridSize, RunPlan
from loadtest.plan.oracle import replay
from loadtest.record.records import FleetSample, Reading


@dataclasses.dataclass(frozen=True, slots=True)
class Ideal:
    """What the oracle reached with the plan, measured as the run was; None: no time was sampled."""

    balance_ratio: float | None
    fleet_peak_utilization: float | None
    refused: int

    def of(self, balance_ratio: float | None) -> float | None:
        """Return a max/mean utilization over that of the oracle; None when one was not measured."""
        return balance_ratio / self.balance_ratio if balance_ratio and self.balance_ratio else None


def ideal(plan: RunPlan, fleet: GridSize, moments_s: Sequence[float], until_s: float) -> Ideal:
    """Replay a plan through the oracle and look at it at `moments_s`, up to `until_s` after the start."""
    seen = replay(plan.arrivals, fleet.capacity_w, fleet.time_scale, (*moments_s, until_s), plan.drain)
    samples = [
        FleetSample(
            at_s, {each: _reading(load_w, fleet.capacity_w[each]) for each, load_w in loads_w.items()}
        )
        for at_s, loads_w in zip(moments_s, seen.loads_w, strict=False)
    ]
    peak = max((balance.fleet_utilization(sample) for sample in samples), default=None)
    return Ideal(balance.balance_ratio(samples, until_s), peak, seen.refused)


def _reading(load_w: float, capacity_w: float) -> Reading:
    """Return what a substation would show that has nothing but a load."""
    return Reading(load_w, capacity_w, 0, 0, 0, 0, 0, 0.0, 0.0, 0.0)
