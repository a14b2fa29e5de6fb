"""What a run is asked for, and how it ended."""

import dataclasses
import enum
from pathlib import Path
from typing import Any

from loadtest.judge.thresholds import Limit, in_force
from loadtest.plan.document import PlanOptions


@dataclasses.dataclass(frozen=True, slots=True)
class RunOptions:
    """What the command line asks for.

    Attributes:
        run_id: The name of the run: of its folder, its lease and its requests' keys.
        gateway_url: Base URL of the gateway that gets the requests.
        balancer_url: Base URL of the balancer of the same grid.
        wish: The plan that is wanted.
        concurrency: How many requests may be open at once.
        retries: How often a request may be sent again.
        limits: What breaks the run.
        settle_s: How long to wait for a nearly empty fleet.
        runs: The runs folder.
        policy: By which the balancer places meanwhile; '' for the one that is on.
        json: Where a further copy of the result goes.
        plan_json: Where the plan goes.
        end_on_stop: Whether a stop ends the sessions that the run had got.
    """

    run_id: str
    gateway_url: str
    balancer_url: str
    wish: PlanOptions
    concurrency: int
    retries: int
    limits: tuple[Limit, ...]
    settle_s: float
    runs: Path
    policy: str = ""
    json: Path | None = None
    plan_json: Path | None = None
    end_on_stop: bool = False

    def document(self) -> dict[str, Any]:
        """Return it as it is written down: without paths, which are of this machine only."""
        wish = self.wish
        built_in = in_force(wish.preset.limits, ())
        return {
            "run_id": self.run_id,
            "preset": wish.preset.name,
            "seed": wish.seed,
            "shape": wish.shape,
            "requests": wish.requests,
            "seconds": wish.seconds,
            "substation_id": wish.substation_id,
            "concurrency": self.concurrency,
            "retries": self.retries,
            "fail_if": [str(each) for each in self.limits if each not in built_in],
            "settle_s": self.settle_s,
            "end_sessions_on_stop": self.end_on_stop,
            "gateway_url": self.gateway_url,
            "balancer_url": self.balancer_url,
        }


class Verdict(enum.StrEnum):
    """How a run ended."""

    HELD = "held"
    BROKEN = "broken"
    CHANGED = "changed"  # thresholds that did not hold may be due to a change on the grid
    INTERRUPTED = "interrupted"
    NOT_READY = "not ready"  # nothing was sent
    BUSY = "busy"  # another run holds the rush hour; nothing was sent
    LEASE_LOST = "lease lost"
    NOT_WRITTEN = "not written"
    FAILED = "failed"  # a fault of this program, or an outage that could not be ordered or undone


@dataclasses.dataclass(frozen=True, slots=True)
class RunOutcome:
    """How a run ended, in words where it did not run to its end, and its folder if anything was sent."""

    verdict: Verdict
    why: str = ""
    folder: Path | None = None
