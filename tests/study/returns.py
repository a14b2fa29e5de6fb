"""Who is refused comes back when told: how many get in then, and how long they wait, with and without the base load to come.

Days with more cars than fit. Each refused car comes back once; one that came in vain is promised another moment, as by a balancer.
"""

import heapq
import itertools
import statistics
from collections.abc import Sequence

from balancer.contract import Charge
from balancer.fleet.member import Demand
from balancer.forecast.calendar_days import SLOT_MS
from balancer.placing.returns.promised_returns import PromisedReturns
from tests.study.command_line import print_rows
from tests.study.days import REGIMES, Car, World
from tests.study.grid import SCALE, Grid, by_now

SIZE = 10  # times as large as in the other studies: no power is kept for who takes much of what a substation has left
MORE = 2.5  # times as many cars as usual for that size
BASE_SHARE = (0.6, 0.9)  # of the limit, the highest base load
MS = 1000


class ReturningGrid(Grid):
    """A grid whose refused cars come back once, when told; `waits_s` of those that got in then, and of those that did not."""

    def __init__(self, world: World, seed: int, *, by_forecast: bool) -> None:
        """With `by_forecast`, Retry-After counts the base load to come."""
        super().__init__(world, "least_loaded", seed)
        self.promised = PromisedReturns(self.view)
        self._by_forecasts = by_forecast
        self.got_in_s: list[float] = []
        self.in_vain_s: list[float] = []

    def let_come(self, cars: Sequence[Car]) -> None:
        """Let all cars come, and come back."""
        numbers = itertools.count()
        coming = [(car.at_ms, next(numbers), car, f"car-{number}", 0.0) for number, car in enumerate(cars)]
        while coming:
            at_ms, _, car, key, told_s = heapq.heappop(coming)
            if at_ms >= self.world.end_slot * SLOT_MS:
                continue
            self._pass_time(at_ms // SLOT_MS)
            charge, now_s = Charge("", "", key, car.plan, ()), at_ms / MS / SCALE
            admitted = self._admitted(charge, Car(at_ms, car.plan), f"{key}-{told_s:g}", now_s)
            if told_s:
                (self.got_in_s if admitted else self.in_vain_s).append(told_s)
            if not admitted:
                wait_s = self.promised.promise(charge, now_s)
            if not admitted and not told_s:
                back_ms = at_ms + int(wait_s * SCALE * MS)
                heapq.heappush(coming, (back_ms, next(numbers), car, key, wait_s))

    def _learn(self, slot: int) -> None:
        if self._by_forecasts:
            super()._learn(slot)

    def _admitted(self, charge: Charge, car: Car, key: str, now_s: float) -> bool:
        self.poll(car.at_ms, now_s)
        self.promised.pass_time(now_s)
        demand = Demand(car.plan.power_w, car.plan.duration_ms, now_s)
        candidates = self.view.candidates((), demand.power_w, now_s, surely=False)

        def allowed(name: str) -> bool:
            return self.promised.leaves_room(name, charge, now_s)

        asked = self.view.pick(candidates, demand, allowed)
        if not asked:
            return False
        self.promised.seated(charge)
        placed = self.stations[asked].place(key, car, by_now(self.world, 0, car.at_ms))
        self.roster.adopt(self.stations[asked].report(car.at_ms), now_s)
        if placed:
            self.promised.admitted(charge, car.plan.duration_ms / MS / SCALE)
        return placed


def row(regime: str, count: int, days: int, seeds: Sequence[int]) -> dict[str, object]:
    """Return who came back, who got in then, and the mean wait in minutes of grid time, by what Retry-After counts."""
    found: dict[str, object] = {"regime": regime, "substations": count}
    for name, by_forecast in (("known plans", False), ("and the base load to come", True)):
        grids = [returned(regime, count, days, seed, by_forecast=by_forecast) for seed in seeds]
        got_in = [wait_s for grid in grids for wait_s in grid.got_in_s]
        in_vain = [wait_s for grid in grids for wait_s in grid.in_vain_s]
        came = len(got_in) + len(in_vain)
        found[name] = {
            "came back": came,
            "got in, %": round(100 * len(got_in) / max(1, came), 1),
            "wait, minutes": round(statistics.mean([*got_in, *in_vain] or [0]) * SCALE / 60, 1),
        }
    return found


def returned(regime: str, count: int, days: int, seed: int, *, by_forecast: bool) -> ReturningGrid:
    """Run some days, and let all refused cars come back."""
    world = World(seed, count, days, base_share=BASE_SHARE)
    world.limits_w = [SIZE * limit_w for limit_w in world.limits_w]
    world.base_w = [[SIZE * load_w for load_w in course] for course in world.base_w]
    grid = ReturningGrid(world, seed, by_forecast=by_forecast)
    grid.let_come(world.cars(regime, seed, MORE * SIZE))
    return grid


if __name__ == "__main__":
    print_rows(__doc__, list(REGIMES), row)
