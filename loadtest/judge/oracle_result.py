"""The figures of the oracle, by the same definitions and at the same moments as those of the run.

Pure.
"""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

from loadtest.judge import balance
from loadtest.plan.document import GridSize, RunPlan
from loadtest.plan.oracle import replay
from loadtest.record.readings import FleetSample, Reading


@dataclasses.dataclass(frozen=True, slots=True)
class OracleResult:
    """The figures that the oracle reaches with the plan, measured like the run; None: no time was sampled."""

    balance_ratio: float | None
    fleet_peak_utilization: float | None
    refused: int

    def of(self, balance_ratio: float | None) -> float | None:
        """Return a max/mean utilization over that of the oracle; None when one was not measured."""
        return balance_ratio / self.balance_ratio if balance_ratio and self.balance_ratio else None


def oracle_result(
    plan: RunPlan,
    fleet: GridSize,
    moments_s: Sequence[float],
    until_s: float,
    base_w: Sequence[Mapping[str, float]] = (),
) -> OracleResult:
    """Replay a plan through the oracle and look at it at `moments_s`, up to `until_s` after the start.

    `base_w` has the base loads at these moments; without it there are none.
    """
    carried_w = [*base_w, base_w[-1]] if base_w else ()
    oracle = replay(
        plan.arrivals, fleet.capacity_w, fleet.time_scale, (*moments_s, until_s), plan.drain, carried_w
    )
    samples = [
        FleetSample(
            at_s,
            {
                each: _reading(
                    load_w, fleet.capacity_w[each], base.get(each, 0.0), draining=_drained(plan, each, at_s)
                )
                for each, load_w in loads_w.items()
            },
        )
        for at_s, loads_w, base in zip(
            moments_s, oracle.loads_w, carried_w or itertools.repeat({}), strict=False
        )
    ]
    peak = max((balance.fleet_utilization(sample) for sample in samples), default=None)
    return OracleResult(balance.balance_ratio(samples, until_s), peak, oracle.refused)


def _drained(plan: RunPlan, substation_id: str, at_s: float) -> bool:
    """Whether the plan has drained a substation by a moment."""
    return plan.drain is not None and plan.drain.substation_id == substation_id and at_s >= plan.drain.at_s


def _reading(load_w: float, capacity_w: float, base_load_w: float, *, draining: bool) -> Reading:
    """Return the reading of a substation of which only the loads and the drain matter."""
    return Reading(
        load_w, capacity_w, 0, 0, 0, 0, 0, 0.0, 0.0, 0.0, draining=draining, base_load_w=base_load_w
    )
