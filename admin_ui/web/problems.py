"""The problems that any handler of the console may answer with.

Pure.
"""

from typing import ClassVar

from runtime.problem import Problem

LOGIN_FIRST = Problem("login-first", 401, "Log in first")
NOT_ALLOWED_TO = Problem("not-allowed", 403, "Your role does not allow this")
CONFIRM_FIRST = Problem("confirm-first", 403, "Give your password again first")
CROSS_ORIGIN = Problem("cross-origin", 403, "Pages of another origin may not ask for this")
PAST_THE_PROXY = Problem("past-the-proxy", 403, "The console can be reached only through its TLS proxy")
UNAUDITED = Problem("no-audit", 503, "The audit log can't be written, so nothing was done")


class ProblemError(Exception):
    """Ends a request with the problem of its class; the message is the detail.

    It reports a state of the machine, such as a full disk, and not a fault of the code.
    """

    problem: ClassVar[Problem]
    audited: ClassVar[bool] = False  # whether the audit log has the refusal already


class NoLongerAllowedError(ProblemError):
    """The login has ended, or lost its role, between the request and what it asked for."""

    problem = NOT_ALLOWED_TO
    audited = True
