"""The alarm rules: what each one means, how bad it is, what to do about it, and its delays.

Pure. Each rule says what to do now, and has a page in docs/runbooks: what nobody can act on is no alarm. Delays keep
what is short from being raised, and from coming and going, after ISA-18.2 and EEMUA 191.

Names are those of the alerts in Prometheus where both watch for the same.
"""

import dataclasses
import enum
from collections.abc import Mapping


class Severity(enum.StrEnum):
    """How fast somebody must act."""

    CRITICAL = "critical"  # now: cars are turned away, or nobody sees what goes on
    WARNING = "warning"  # soon: else it becomes critical


@dataclasses.dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it means and what to do now, in words; seconds before it is raised, and cleared."""

    name: str
    severity: Severity
    title: str
    action: str
    on_s: float
    off_s: float
    link: str = "/"  # where to do it in the console


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
            "See that the others have room: restore those that are drained. At the limit, cars go elsewhere or wait.",
            5,
            15,
        ),
        Rule(
            "SubstationDown",
            CRITICAL,
            "Substation lost",
            "Look whether its process and its machine run, and start it again: its sessions charge on, none is lost.",
            3,
            5,
        ),
        Rule(
            "SubstationSuspect",
            WARNING,
            "Answers badly",
            "Look at its log and at the network to it: it is used only when no other has room.",
            15,
            15,
        ),
        Rule(
            "SubstationUnseen",
            WARNING,
            "Nobody at an address",
            "Start the substation there, or take the address out of the balancer's SUBSTATIONS.",
            30,
            5,
        ),
        Rule(
            "ReportsStale",
            WARNING,
            "Reports are old",
            "Look whether the substation is overloaded with work, or the balancer polls too rarely: it places by old figures.",
            5,
            10,
        ),
        Rule(
            "IdentityConflict",
            CRITICAL,
            "Two under one name",
            "Stop the one that should not be there. Neither is used until only one is seen.",
            2,
            10,
        ),
        Rule(
            "LoadImbalance",
            WARNING,
            "Load is uneven",
            "See by which policy cars are placed, and whether many ask for one substation only.",
            15,
            30,
            "/decisions",
        ),
        Rule(
            "RefusalRateHigh",
            WARNING,
            "Cars are turned away",
            "Restore what is drained or derated; see why under Why here.",
            5,
            30,
            "/decisions",
        ),
        Rule(
            "NoHeadroom",
            CRITICAL,
            "No room in the fleet",
            "Restore drained substations and lowered limits: until then cars wait or are turned away.",
            5,
            15,
        ),
        Rule(
            "BalancerStreamLost",
            CRITICAL,
            "The balancer does not answer",
            "Look whether the balancer runs. Figures are old and orders can't be given; sessions charge on.",
            3,
            3,
        ),
        Rule(
            "GatewayUnreachable",
            CRITICAL,
            "The gateway does not answer",
            "Look whether the gateway runs: cars can't ask to charge.",
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
