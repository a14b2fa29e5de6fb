"""The options of one run, complete and checked."""

import dataclasses
from pathlib import Path
from typing import Any

from loadtest.judge.thresholds import Limit, in_force
from loadtest.plan import clock
from loadtest.plan.document import PlanOptions


@dataclasses.dataclass(frozen=True, slots=True)
class RunOptions:
    """One run as the command line describes it.

    Attributes:
        run_id: The id of the run: the name of its folder and its lease, and the beginning of its idempotency keys.
        gateway_url: Base URL of the gateway that gets the requests.
        balancer_url: Base URL of the balancer of the same grid.
        plan: The options of its plan.
        concurrency: How many requests may be open at once.
        retries: How often a request may be sent again.
        limits: The limits of its thresholds.
        settle_s: How many seconds to wait for a nearly empty fleet.
        runs: The runs folder.
        policy: The policy of the balancer during the run; '' keeps the present one.
        json: A file for a further copy of the result.
        plan_json: A file for the plan.
        end_on_stop: Whether a stop ends the sessions of the run.
    """

    run_id: str
    gateway_url: str
    balancer_url: str
    plan: PlanOptions
    concurrency: int
    retries: int
    limits: tuple[Limit, ...]
    settle_s: float
    runs: Path
    policy: str = ""
    json: Path | None = None
    plan_json: Path | None = None
    end_on_stop: bool = False

    @property
    def label(self) -> str:
        """The policy if the run has one of its own, otherwise the preset."""
        return self.policy or self.plan.preset.name

    @property
    def starts_at(self) -> str | None:
        """The time of day at which the run is to begin; None when it begins at once."""
        wanted_h = self.plan.starts_at_h
        return None if wanted_h is None else clock.write(wanted_h)

    def document(self) -> dict[str, Any]:
        """Return the options as the result has them: without paths, which mean something on this machine only."""
        plan = self.plan
        built_in = in_force(plan.preset.limits, ())
        return {
            "run_id": self.run_id,
            "preset": plan.preset.name,
            "seed": plan.seed,
            "shape": plan.shape,
            "requests": plan.requests,
            "seconds": plan.seconds,
            "substation_id": plan.substation_id,
            "concurrency": self.concurrency,
            "retries": self.retries,
            "fail_if": [str(each) for each in self.limits if each not in built_in],
            "settle_s": self.settle_s,
            "end_sessions_on_stop": self.end_on_stop,
            "gateway_url": self.gateway_url,
            "balancer_url": self.balancer_url,
        }
