"""The alarm rules: what each one means, how bad it is, what to do about it, and its delays.

Pure. Each rule says what to do now, and has a page in docs/runbooks: a state that nobody can act on is no alarm. The
delays suppress short states, and alarms that come and go (ISA-18.2, EEMUA 191).

A rule has the name of the alert in Prometheus that watches for the same state, where there is one.
"""

import dataclasses
import enum
from collections.abc import Mapping


class Severity(enum.StrEnum):
    """How fast somebody must act."""

    CRITICAL = "critical"  # now: cars are turned away, or nobody can see the grid
    WARNING = "warning"  # soon: otherwise it becomes critical


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it means, what to do now, and the delays in seconds before its alarm is raised and cleared."""

    name: str
    severity: Severity
    title: str
    action: str
    on_s: float
    off_s: float
    link: str = "/"  # the page of the console on which to do it


CRITICAL, WARNING = Severity.CRITICAL, Severity.WARNING
RULES = {
    rule.name: rule
    for rule in (
        Rule(
            "SubstationOverload",
            CRITICAL,
            "Load above the limit",
            "Stop or move sessions until the load is below the limit, or restore the limit if it was lowered by mistake.",
            5,
            10,
        ),
        Rule(
            "OverloadPredicted",
            WARNING,
            "Soon at its limit",
            "Make room on other substations: restore drained ones. At the limit, cars go elsewhere or wait.",
            5,
            15,
        ),
        Rule(
            "SessionsPaused",
            WARNING,
            "Sessions are paused",
            "They resume when the base load leaves room. Stop the largest running sessions if the paused ones can't wait.",
            5,
            15,
        ),
        Rule(
            "BaseLoadStale",
            WARNING,
            "Meter of the base load is silent",
            "Check what sends its readings. Until then the upper bound of the forecast counts, or the highest reading of a day: fewer cars are admitted.",
            5,
            10,
        ),
        Rule(
            "SubstationDown",
            CRITICAL,
            "Substation lost",
            "Check its process and its machine, and start it again. Its cars keep charging; no session is lost.",
            3,
            5,
        ),
        Rule(
            "SubstationSuspect",
            WARNING,
            "Answers unreliably",
            "Check its log and the network to it. It is used only when no other substation has room.",
            15,
            15,
        ),
        Rule(
            "SubstationUnseen",
            WARNING,
            "No substation at an address",
            "Start the substation there, or remove the address from the balancer's SUBSTATIONS.",
            30,
            5,
        ),
        Rule(
            "ReportsStale",
            WARNING,
            "Reports are old",
            "Check whether the substation is too busy to answer, or the balancer polls too rarely. Cars are placed by old figures.",
            5,
            10,
        ),
        Rule(
            "IdentityConflict",
            CRITICAL,
            "Duplicate substation id",
            "Stop the one that should not run. Neither is used while both are seen.",
            2,
            10,
        ),
        Rule(
            "LoadImbalance",
            WARNING,
            "Load is uneven",
            "Check the placement policy, and whether many requests name one substation only.",
            15,
            30,
            "/decisions",
        ),
        Rule(
            "RefusalRateHigh",
            WARNING,
            "Cars are turned away",
            "Restore drained substations and lowered limits; see the reasons under Decisions.",
            5,
            30,
            "/decisions",
        ),
        Rule(
            "NoHeadroom",
            CRITICAL,
            "No room in the fleet",
            "Restore drained substations and lowered limits. Until then, cars wait or are turned away.",
            5,
            15,
        ),
        Rule(
            "BalancerStreamLost",
            CRITICAL,
            "The balancer does not answer",
            "Check whether the balancer runs. Figures are old, and orders can't be given. Cars keep charging.",
            3,
            3,
        ),
        Rule(
            "BalancerLost",
            WARNING,
            "A balancer is lost",
            "Check whether it runs, and start it again. The other balancers go on; when the last one is lost, no car is admitted.",
            3,
            5,
        ),
        Rule(
            "GatewayUnreachable",
            CRITICAL,
            "The gateway does not answer",
            "Check whether the gateway runs. No car can ask to charge.",
            5,
            5,
        ),
    )
}
OF_THE_FLEET = frozenset(RULES) - {"BalancerStreamLost", "GatewayUnreachable", "RefusalRateHigh"}


def scaled(rules: Mapping[str, Rule], factor: float) -> dict[str, Rule]:
    """Return the rules with all delays times `factor`."""
    return {
        name: dataclasses.replace(rule, on_s=rule.on_s * factor, off_s=rule.off_s * factor)
        for name, rule in rules.items()
    }
