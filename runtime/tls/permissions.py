"""Who may call what, on each listener that asks for a certificate: the one table of the grid.

Pure.

A listener refuses what no line allows. `ITSELF` is a caller with the listener's own identity: health checks in a
container, and an operator inside it, who could read the service's files anyway.
"""

import dataclasses
import re
from collections.abc import Mapping

from runtime.tls.identity import Identity, Role

ITSELF = "itself"
READ = frozenset({"GET", "HEAD"})
ANY_METHOD = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})
STREAM = "stream"  # what is called, when it is not a page

Caller = Role | str


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """Who may call the paths that match `path` as a whole by one of `methods`."""

    path: str
    methods: frozenset[str]
    callers: tuple[Caller, ...]

    def covers(self, method: str, path: str) -> bool:
        """Whether the rule is about this call."""
        return method in self.methods and bool(re.fullmatch(self.path, path))


HEALTH = "/(livez|readyz)"
PEOPLE: tuple[Caller, ...] = (Role.CONSOLE, Role.OPERATOR)
MONITORED = (
    Rule(HEALTH, READ, (ITSELF, Role.PROMETHEUS, *PEOPLE)),
    Rule("/metrics", READ, (ITSELF, Role.PROMETHEUS, *PEOPLE)),
)
SERVICE = (
    Rule("/backup", frozenset({"POST"}), (ITSELF, *PEOPLE)),
    Rule("/.*", READ, (ITSELF, *PEOPLE)),
    Rule("/.*", ANY_METHOD, PEOPLE),
)
# By the role of the listener. The first rule that covers a call decides.
RULES: Mapping[Role, tuple[Rule, ...]] = {
    Role.BALANCER: (
        Rule(STREAM, frozenset({STREAM}), (Role.GATEWAY,)),
        *MONITORED,
        *SERVICE,
    ),
    Role.SUBSTATION: (
        Rule(STREAM, frozenset({STREAM}), (Role.BALANCER,)),
        # Replicas that share a volume: a health check there has the certificates of all, and knows no id.
        Rule(HEALTH, READ, (ITSELF, Role.SUBSTATION, Role.PROMETHEUS, *PEOPLE)),
        Rule("/metrics", READ, (ITSELF, Role.BALANCER, Role.PROMETHEUS, *PEOPLE)),
        *SERVICE,
    ),
    # At GATEWAY_MONITOR_PORT. The public API asks for no certificate.
    Role.GATEWAY: (*MONITORED, Rule("/charge(/.*)?", frozenset({"GET", "HEAD", "DELETE"}), PEOPLE)),
    Role.CONSOLE: MONITORED,  # its own pages, at CONSOLE_MONITOR_PORT
}


@dataclasses.dataclass(frozen=True, slots=True)
class Permissions:
    """What the listener of one service allows to whom; `own` is the identity of the service."""

    own: Identity

    def refusal(self, caller: Identity, method: str, path: str) -> str:
        """Return in words why a call is refused, '' when it is allowed."""
        rule = next((rule for rule in RULES[self.own.role] if rule.covers(method, path)), None)
        if rule and (caller.role in rule.callers or (caller == self.own and ITSELF in rule.callers)):
            return ""
        return f"the certificate of {caller} does not allow {_call(method, path)} at {self.own}"

    def stream_refusal(self, caller: Identity) -> str:
        """Return in words why a stream is refused, '' when it is allowed."""
        return self.refusal(caller, STREAM, STREAM)


def _call(method: str, path: str) -> str:
    return "a stream" if method == STREAM else f"{method[:10]} {path[:80]}"
