"""Says an entry of the audit log in one sentence: who did what, or wanted to.

Pure. An action that this module does not know is named as it is in the log, so that nothing is left out.
"""

from collections.abc import Callable, Mapping
from typing import Any

from admin_ui.audit.chain import UNDER_WAY, UNKNOWN, AuditOutcome

Details = Mapping[str, Any]
# How the sentence of an outcome begins after the person's name; {} is the action as it was asked for. What is done has
# words of its own.
OUTCOMES = {
    AuditOutcome.REFUSED: "wanted to {}, and was refused",
    AuditOutcome.FAILED: "tried to {}, which failed",
    AuditOutcome.UNCONFIRMED: "asked to {}; the grid has not confirmed it",
    UNDER_WAY: "asks to {}; it is being carried out",
    UNKNOWN: "asked to {}; whether it was done is not known",
}
ENDED = "rush hour ended"
VERDICTS = {
    "held": "passed",
    "broken": "failed",
    "changed": "conditions changed",
    "interrupted": "stopped",
    "not written": "no result",
    "failed": "error",
}
# action: what was asked, what was done; {target} and the details are filled in
WORDS: Mapping[str, tuple[str, str]] = {
    "drain": ("drain {target}", "drained {target}"),
    "restore": ("restore {target}", "restored {target}"),
    "stop": ("stop session {target}", "stopped session {target}"),
    "order": ("give an order", "gave an order"),
    "start rush hour": ("start a rush hour, {target}", "started a rush hour, {target}"),
    "mute alarms": ("mute {target}{lasting}", "muted {target}{lasting}"),
    "end a mute": ("end the mute of {target}", "ended the mute of {target}"),
    "acknowledge alarms": ("acknowledge {target}", "acknowledged {target}"),
    "log in": ("log in", "logged in"),
    "log in by link": ("log in by a link", "logged in by a link"),
    "log out": ("log out", "logged out"),
    "log out everywhere": ("log out everywhere", "logged out everywhere"),
    "confirm password": ("confirm the password", "confirmed the password"),
    "change password": ("change the password of {target}", "changed the password of {target}"),
}


def sentence(who: str, action: str, target: str, outcome: str, details: Details) -> str:
    """Return the sentence, without the reason that the person gave; it ends with a full stop."""
    if action == ENDED:
        return f"The rush hour {target} of {who} ended: {_verdict(details)}."
    asked, done = _words(action, target, details)
    if outcome == AuditOutcome.DONE:
        return f"{who} {done}."
    told = str(details.get("why") or details.get("told") or "").strip()
    because = f": {told}" if told and outcome in {AuditOutcome.REFUSED, AuditOutcome.FAILED} else ""
    said = OUTCOMES.get(outcome, "asked to {}").format(asked)
    return f"{who} {said}{because}".rstrip(".") + "."


def _words(action: str, target: str, details: Details) -> tuple[str, str]:
    """Return an action in words: as it was asked for, and as it was done."""
    if of_values := _OF_VALUES.get(action):
        return of_values(target, details)
    if known := WORDS.get(action):
        minutes = details.get("minutes")
        lasting = f" for {minutes:g} min" if isinstance(minutes, int | float) else ""
        filled = [each.format(target=target, lasting=lasting).strip() for each in known]
        return filled[0], filled[1]
    named = f"{action} {target}".strip()
    return named, f"did: {named}"


def _limit(target: str, details: Details) -> tuple[str, str]:
    value = details.get("value")
    known = isinstance(value, int | float)
    to = f"to {value:,g} kW" if known else "to its rated limit" if "value" in details else ""
    return f"change the limit of {target} {to}".strip(), f"changed the limit of {target} {to}".strip()


def _policy(target: str, details: Details) -> tuple[str, str]:
    policy = details.get("value")
    to = f" to {policy}" if policy else f" of {target}"
    return f"switch the policy{to}", f"switched the policy{to}"


def _stop_rush(target: str, details: Details) -> tuple[str, str]:
    ends = details.get("end_sessions")
    how = {True: " and end its sessions", False: " and leave its cars"}.get(ends, "")  # type: ignore[arg-type]
    done = {True: " and ended its sessions", False: " and left its cars"}.get(ends, "")  # type: ignore[arg-type]
    return f"stop the rush hour {target}{how}", f"stopped the rush hour {target}{done}"


def _verdict(details: Details) -> str:
    """Return how a run ended, in the words of the page of the rush hour."""
    verdict = str(details.get("verdict") or "")
    return VERDICTS.get(verdict, verdict or "without a result")


_OF_VALUES: Mapping[str, Callable[[str, Details], tuple[str, str]]] = {
    "capacity": _limit,
    "policy": _policy,
    "stop rush hour": _stop_rush,
}
