"""The errors of the public API: every error that a caller can see has one stable code here.

Pure.
"""

from balancer.contract import BalancerOutcome
from runtime.problem import (
    CROSS_ORIGIN,
    FOREIGN_HOST,
    MALFORMED,
    NOT_ALLOWED,
    NOT_FOUND,
    TOO_LARGE,
    UNAVAILABLE,
    UNSUPPORTED,
    Problem,
)

INVALID = Problem("invalid", 422, "The request can't be carried out as it is")
UNAUTHORIZED = Problem("unauthorized", 401, "A valid API key is needed")
QUOTA_EXCEEDED = Problem("quota-exceeded", 429, "The caller has made more requests than its quota allows")
KEY_REUSED = Problem("key-reused", 422, "The Idempotency-Key came before with another request")
VEHICLE_CHARGING = Problem(
    "vehicle-charging", 409, "The vehicle has another session, or another request in progress"
)
NO_CAPACITY = Problem("no-capacity", 503, "No substation has room now")
NO_SUBSTATION = Problem("no-substation", 503, "No substation can be asked now; nothing was placed")
UNKNOWN = Problem("outcome-unknown", 503, "It is not known whether the car was placed")
WITHDRAWN = Problem("withdrawn", 503, "No answer came in time; what may have been placed is withdrawn")
UNREACHABLE = Problem("owner-unreachable", 503, "The substation that owns the session does not answer")

PROBLEMS = (
    MALFORMED,
    UNAUTHORIZED,
    CROSS_ORIGIN,
    NOT_FOUND,
    NOT_ALLOWED,
    VEHICLE_CHARGING,
    TOO_LARGE,
    UNSUPPORTED,
    FOREIGN_HOST,
    INVALID,
    KEY_REUSED,
    QUOTA_EXCEEDED,
    UNAVAILABLE,
    NO_CAPACITY,
    NO_SUBSTATION,
    UNKNOWN,
    WITHDRAWN,
    UNREACHABLE,
)
BY_OUTCOME = {
    BalancerOutcome.NOT_FOUND: NOT_FOUND,
    BalancerOutcome.NO_CAPACITY: NO_CAPACITY,
    BalancerOutcome.NO_SUBSTATION: NO_SUBSTATION,
    BalancerOutcome.UNKNOWN: UNKNOWN,
    BalancerOutcome.UNAVAILABLE: UNAVAILABLE,
    BalancerOutcome.WITHDRAWN: WITHDRAWN,
    BalancerOutcome.UNREACHABLE: UNREACHABLE,
    BalancerOutcome.EXCEEDS_CAPACITY: INVALID,
    BalancerOutcome.UNKNOWN_SUBSTATION: INVALID,
    BalancerOutcome.KEY_REUSED: KEY_REUSED,
    BalancerOutcome.VEHICLE_CHARGING: VEHICLE_CHARGING,
}
FIELD = {  # the field that an outcome is about, and what is wrong with it
    BalancerOutcome.EXCEEDS_CAPACITY: ("max_power_kw", "is more than any of these substations is rated for"),
    BalancerOutcome.UNKNOWN_SUBSTATION: ("substations", "names substations that this grid does not have"),
}
