"""Placement policies: which of the substations that could take a request gets it.

Pure: randomness is an argument.
"""

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator, Mapping

from balancer.fleet.candidates import FULL, Candidates
from balancer.fleet.member import Demand
from balancer.placing.predictive.base_course import BaseCourse
from balancer.placing.predictive.choice import ForecastChoice, Random, Usable
from balancer.placing.predictive.shadow import ShadowCounts

DEFAULT_POLICY = FALLBACK = "least_loaded"

Choose = Callable[[Candidates, Usable, Random], str | None]


@dataclasses.dataclass(frozen=True, slots=True)
class Policy:
    """`choose` returns one of the candidates that is usable, None if there is none.

    All candidates have room, by the load of the last poll alone if `by_last_poll`. With `by_forecast` it is what chooses
    while the forecasts can't be used. With `by_lowest` it needs not look at candidates that are loaded more than others.
    """

    choose: Choose
    by_last_poll: bool = False
    by_forecast: bool = False
    by_lowest: bool = False


class PolicySwitch:
    """The policy in force: one of all policies, by its name."""

    def __init__(self, rng: Random, forecast_choice: ForecastChoice | None = None) -> None:
        """Without a `forecast_choice`, no forecast can be used."""
        self._forecast_choice = forecast_choice
        self._policies = policies()
        self.use(DEFAULT_POLICY)
        self.names = tuple(self._policies)
        self._rng = rng

    @property
    def by_last_poll(self) -> bool:
        """Whether a load is that of the last poll, without what is known since."""
        return self._policy.by_last_poll

    @property
    def by_lowest(self) -> bool:
        """Whether it chooses one of the least loaded, so that it seldom asks for all."""
        return self._policy.by_lowest

    def use(self, name: str) -> bool:
        """Place by another policy from now on; returns whether there is one of that name."""
        if name in self._policies:
            self.name, self._policy, self._reason = name, self._policies[name], among(name)
        return self.name == name

    def choose(self, candidates: Candidates, usable: Usable, demand: Demand) -> str | None:
        """Return the id of a candidate that is usable; None when none is."""
        policy, forecasts = self._policy, self._forecast_choice
        if not forecasts or forecasts.doubt(demand.now_s):
            return policy.choose(candidates, usable, self._rng)
        if policy.by_forecast:
            chosen = forecasts.choose(candidates, usable, self._rng, demand)
        else:
            chosen = policy.choose(candidates, usable, self._rng)
        if chosen and not candidates.only_one() and forecasts.shadow.due():
            self._compare(chosen, candidates, usable, demand)
        return chosen

    def comparisons(self) -> Mapping[str, int]:
        """Return how `predictive` compared with the policy in force; with `least_loaded` while it is in force itself.

        The counts are those of ShadowCounts, under their names.
        """
        return (self._forecast_choice.shadow.counts if self._forecast_choice else ShadowCounts())._asdict()

    def reason(self, chosen: str, demand: Demand) -> str:
        """Return in words why a candidate was chosen."""
        reason = self._reason
        if not self._policy.by_forecast:
            return reason
        if doubt := self.doubt(demand.now_s):
            return f"{reason}, by {FALLBACK}: {doubt}"
        assert self._forecast_choice
        return f"{reason}: {self._forecast_choice.explain(chosen, demand)}"

    def doubt(self, now_s: float) -> str:
        """Return in words why forecasts can't be used; '' when they can."""
        return self._forecast_choice.doubt(now_s) if self._forecast_choice else "no forecasts are made"

    def base_course(self, now_s: float) -> BaseCourse | None:
        """Return by how much base loads are expected to change; None while that is not known."""
        forecasts = self._forecast_choice
        if not forecasts or not forecasts.outlook.time or forecasts.doubt(now_s):
            return None
        return BaseCourse(forecasts.outlook, forecasts.outlook.time, now_s)

    def _compare(self, chosen: str, candidates: Candidates, usable: Usable, demand: Demand) -> None:
        """Let the other policy choose, too."""
        forecasts = self._forecast_choice
        assert forecasts
        if self._policy.by_forecast:
            predictive, other = chosen, least_loaded(candidates, usable, self._rng) or chosen
        else:
            predictive, other = forecasts.choose(candidates, usable, self._rng, demand) or chosen, chosen
        forecasts.shadow.compare(predictive, other, chosen, demand, forecasts.stay_s(demand))


def among(name: str) -> str:
    """Return the reason of every choice of a policy; one text for all of them, because thousands are kept."""
    return f"{name} among those with room"


def policies() -> Mapping[str, Policy]:
    """Return the policies by their names, with fresh state."""
    return {
        "least_loaded": Policy(least_loaded, by_lowest=True),
        "power_of_two": Policy(power_of_two),
        "predictive": Policy(least_loaded, by_forecast=True, by_lowest=True),
        "round_robin": Policy(RoundRobin()),
        "random": Policy(uniform),
        "snapshot_least_loaded": Policy(least_loaded, by_last_poll=True),
    }


def least_loaded(candidates: Candidates, usable: Usable, rng: Random) -> str | None:
    """Return the candidate whose utilization with the demand would be lowest; ties at random.

    Over fresh estimates this is join-the-shortest-queue by utilization (docs/adr/0002); over the loads of the last
    poll it is the naive way, which herds.

    One that is not the best isn't asked whether it is usable.
    """
    names, shares = candidates.names, candidates.shares
    lowest = min(shares, default=math.inf)
    if min(lowest, candidates.bar) > FULL:
        return None
    if lowest <= FULL and lowest < candidates.bar and shares.count(lowest) == 1:
        name = names[shares.index(lowest)]
        if usable(name):
            return name
    for equal in candidates.rising():  # the best is not usable, or there are several
        if len(equal) == 1:
            if usable(equal[0]):
                return equal[0]
        elif chosen := next(_drawn(equal, usable, rng), None):
            return chosen
    return None


def power_of_two(candidates: Candidates, usable: Usable, rng: Random) -> str | None:
    """Return the less loaded of two usable ones that are drawn at random (Mitzenmacher 2001).

    The two differ whenever at least two are usable, and each pair has the same probability.
    """
    shares = {name: share for share, name in candidates}
    drawn = itertools.islice(_drawn(list(shares), usable, rng), 2)
    return min(drawn, key=shares.__getitem__, default=None)


def uniform(candidates: Candidates, usable: Usable, rng: Random) -> str | None:
    """Return any usable one, each with the same probability."""
    return next(_drawn([name for _, name in candidates], usable, rng), None)


class RoundRobin:
    """Returns one after the other, in the order of their ids."""

    def __init__(self) -> None:
        self._turn = itertools.count()

    def __call__(self, candidates: Candidates, usable: Usable, rng: Random) -> str | None:  # noqa: ARG002
        """Return the next."""
        ordered = sorted(name for _, name in candidates if usable(name))
        return ordered[next(self._turn) % len(ordered)] if ordered else None


def _drawn(left: list[str], usable: Usable, rng: Random) -> Iterator[str]:
    """Yield the usable ones in random order, by a shuffle of `left` that goes only as far as it is read."""
    while left:
        at = int(rng.random() * len(left))
        left[at], left[-1] = left[-1], left[at]
        name = left.pop()
        if usable(name):
            yield name
