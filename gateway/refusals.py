"""What a caller is answered when the grid refuses: the problem, its members, and the headers that go with it.

Pure.
"""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from balancer.contract import BalancerAnswer, BalancerOutcome
from gateway.contract import BY_OUTCOME, FIELD, UNKNOWN, WITHDRAWN
from runtime.problem import UNAVAILABLE, Problem


@dataclasses.dataclass(frozen=True, slots=True)
class Refusal:
    """A problem document to be written; members that are None are left out."""

    problem: Problem
    members: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)


def refusal(answer: BalancerAnswer) -> Refusal:
    """Return the refusal that an answer of the balancer stands for."""
    problem = BY_OUTCOME[answer.outcome]
    members: dict[str, Any] = {"detail": answer.detail or None}
    headers: dict[str, str] = {}
    if answer.outcome in FIELD:
        field, detail = FIELD[answer.outcome]
        members = {"detail": None, "errors": [{"field": field, "detail": f"{detail}: {answer.detail}"}]}
    if problem in {UNKNOWN, WITHDRAWN}:
        members["outcome"] = "unknown" if problem is UNKNOWN else "withdrawn"
    if answer.outcome is BalancerOutcome.VEHICLE_CHARGING and answer.session:
        headers["Location"] = f"/charge/{answer.session.session_id}"
    if problem.status == UNAVAILABLE.status:
        headers["Retry-After"] = str(max(1, math.ceil(answer.retry_after_ms / 1000)))
    return Refusal(problem, members, headers)
