"""Compares the Retry-After of refused cars with the wait that first come, first served would give by the true plans."""

import dataclasses

from substation.plan import Plan
from tests.proof.arrivals import Came
from tests.support.fcfs import End, Freed, first_come_first_served
from tests.support.reserved import promised

GRACE_S = 3.0  # two polls, as the view is that old, and the whole second to which Retry-After is rounded


@dataclasses.dataclass(frozen=True)
class Wait:
    """The wait of one refused car by its Retry-After, and the fair one, in seconds."""

    retry_after_s: float
    fair_s: float

    @property
    def ratio(self) -> float:
        """How many times as long as fair, the grace apart."""
        return (self.retry_after_s - GRACE_S) / max(self.fair_s, 1e-3)


def waits(cars: list[Came], capacities_w: dict[str, int], time_scale: float) -> list[Wait]:
    """Return the waits of all first refusals; a refused car is expected back once."""
    refused = sorted((car for car in cars if car.answers[0][0] == 503), key=lambda car: car.answered_s[0])
    reserved = [(car.session["substation_id"], promised(car.session)) for car in cars if car.session]
    freed = [_freed(car, time_scale) for car in refused]
    found = []
    for index, car in enumerate(refused):
        now_s, retry_after_s = car.answered_s[0], car.answers[0][2]
        ahead = [freed[n] for n, each in enumerate(refused[:index]) if _comes_after(each, now_s)]
        queue = [*ahead, freed[index]]
        fair_s = first_come_first_served(now_s, *_running(reserved, capacities_w, now_s), queue) - now_s
        found.append(Wait(retry_after_s or 0.0, fair_s))
    return found


def _comes_after(car: Came, now_s: float) -> bool:
    return len(car.answered_s) > 1 and car.answered_s[1] > now_s


def _freed(car: Came, time_scale: float) -> list[Freed]:
    power_w = round(car.body["max_power_kw"] * 1000)
    plan = Plan(round(car.body["energy_kwh"] * 3.6e6), power_w, round(car.body["stay_minutes"] * 60_000))
    return [(after_ms / 1000 / time_scale, watts) for after_ms, watts in plan.releases()]


def _running(
    reserved: list[tuple[str, list[tuple[int, int, int]]]], capacities_w: dict[str, int], now_s: float
) -> tuple[dict[str, int], list[End]]:
    """Return what is free at a moment, and what the sessions that run will free."""
    free_w, ends = dict(capacities_w), []
    for name, parts in reserved:
        for start_ms, end_ms, watts in parts:
            if start_ms / 1000 <= now_s < end_ms / 1000:
                free_w[name] -= watts
                ends.append((end_ms / 1000, name, watts))
    return free_w, ends
