"""Why a car was sent where it is, in words and figures that a person takes in at once.

Pure. It adds to a decision of the balancer; it never says more than the decision holds: where a choice
can't be read from the estimates, that is said.
"""

from collections.abc import Mapping
from typing import Any

MOST_CANDIDATES = 12  # of one decision; the others are counted
CLOSE = 1e-6  # estimates are told to the watt: nearer ones are equal
UNUSABLE = {"ejected", "conflict", "gone", "unseen"}
UNLINKED = "its stream is down"

# kind: what the row looks like
PLACED, WAITS, REFUSED, OPEN = "placed", "waits", "refused", "open"
ASKED = {
    "": (OPEN, "asked; the answer is awaited"),
    "placed": (PLACED, "admitted"),
    "refused": (REFUSED, "refused by the substation; the next best is asked"),
    "stale": (REFUSED, "not used: a later attempt was on its way"),
    "withdrawn": (REFUSED, "withdrawn: the caller was told to ask anew"),
    "unknown": (OPEN, "no answer in time; the same substation is asked again with the same key"),
    "known": (PLACED, "sent earlier already: the order book knows where"),
    "wrong_book": (REFUSED, "refused: the substation belongs to another order book"),
}
NOBODY = {
    "": (REFUSED, "refused; the caller was told when to come back"),
    "waiting": (WAITS, "waits for room"),
    "seated": (PLACED, "waited, and got a place"),
    "in_vain": (REFUSED, "waited in vain; refused"),
    "left": (REFUSED, "waited, and the caller hung up"),
}
OTHERWISE = {
    "round_robin": "it was its turn among those with room",
    "random": "it was drawn at random among those with room",
    "power_of_two": "it was the lower of two that were drawn at random",
    "snapshot_least_loaded": "it stood lowest by the last poll alone, whatever was placed since",
}


def explained(decision: Mapping[str, Any]) -> dict[str, Any]:
    """Return a decision of `/decisions` with its kind, outcome and reason in words, and its candidates."""
    demand_kw, chosen = decision["demand_kw"], decision["chosen"]
    candidates = [_candidate(option, demand_kw, chosen) for option in decision["options"]]
    _judge(decision["policy"], candidates)
    candidates.sort(key=lambda each: (not each["chosen"], each["why_not"] != "", each["after"], each["name"]))
    kind, came_of_it = (ASKED if chosen else NOBODY).get(decision["outcome"], (OPEN, decision["outcome"]))
    plain = {name: value for name, value in decision.items() if name != "options"}
    return plain | {
        "kind": kind,
        "came_of_it": came_of_it,
        "words": _words(decision, candidates),
        "candidates": candidates[:MOST_CANDIDATES],
        "left_out": max(len(candidates) - MOST_CANDIDATES, 0),
    }


def _candidate(option: Mapping[str, Any], demand_kw: float, chosen: str | None) -> dict[str, Any]:
    after_kw, limit_kw = option["estimate_kw"] + demand_kw, option["capacity_kw"]
    why_not = ""
    if option["state"] in UNUSABLE:
        why_not = option["state"]
    elif option["draining"]:
        why_not = "draining"
    elif not option.get("linked", True):
        why_not = UNLINKED
    elif after_kw > limit_kw:
        why_not = "no room"
    elif option["state"] != "healthy":
        why_not = f"{option['state']}: only when no healthy one has room"
    return {
        "name": option["substation_id"],
        "chosen": option["substation_id"] == chosen,
        "why_not": why_not,
        "estimate_kw": option["estimate_kw"],
        "demand_kw": demand_kw,
        "capacity_kw": limit_kw,
        "before": option["estimate_kw"] / limit_kw,
        "after": after_kw / limit_kw,
        "report_age_s": option["report_age_s"],
        "state": option["state"],
        "draining": option["draining"],
    }


def _judge(policy: str, candidates: list[dict[str, Any]]) -> None:
    """Say of each candidate in a word or two why it was it, or not."""
    chosen = next((each for each in candidates if each["chosen"]), None)
    for each in candidates:
        if each["chosen"]:
            each["verdict"] = "chosen"
        elif each["why_not"] or not chosen:
            each["verdict"] = each["why_not"] or "room kept for others"
        elif policy != "least_loaded":
            each["verdict"] = "not drawn" if policy != "round_robin" else "not its turn"
        elif abs(each["after"] - chosen["after"]) <= CLOSE:
            each["verdict"] = "equal, not drawn"
        else:
            each["verdict"] = "higher" if each["after"] > chosen["after"] else "lower, room kept for others"


def _words(decision: Mapping[str, Any], candidates: list[dict[str, Any]]) -> str:
    demand = f"{decision['demand_kw']:g} kW"
    if not decision["chosen"]:
        return _why_nobody(decision["reason"], demand, candidates)
    chosen = next((each for each in candidates if each["chosen"]), None)
    if chosen is None:
        return f"{decision['chosen']}: {decision['reason']}."
    share = f"{chosen['after'] * 100:.1f} %"
    if decision["policy"] != "least_loaded":
        why = OTHERWISE.get(decision["policy"], decision["reason"])
        return f"{chosen['name']}: {why}. With {demand} more it comes to {share} of its limit."
    lower = [each for each in candidates if each["after"] < chosen["after"] - CLOSE]
    if not lower:
        return f"{chosen['name']} had the lowest load for its size after adding {demand}: {share}."
    return f"{chosen['name']} comes to {share} of its limit with {demand} more. {_passed_over(lower)}"


def _passed_over(lower: list[dict[str, Any]]) -> str:
    """Say why those were not used that stood lower."""
    told = [f"{each['name']} ({each['why_not']})" for each in lower if each["why_not"]]
    kept = [each["name"] for each in lower if not each["why_not"]]
    words = f"Lower, but not used: {_listed(told)}." if told else ""
    if kept:
        words += f" {_listed(kept)} stood lower too; its room was kept for requests that had waited longer."
    return words.strip()


def _why_nobody(reason: str, demand: str, candidates: list[dict[str, Any]]) -> str:
    if not candidates:
        return f"{reason[:1].upper()}{reason[1:]}."
    shut = {"draining", UNLINKED, *UNUSABLE}
    usable = [each for each in candidates if each["why_not"] not in shut]
    words = f"{reason[:1].upper()}{reason[1:]}: {demand} was asked for"
    if not usable:
        return f"{words}, and no substation takes new cars now."
    roomiest = max(usable, key=lambda each: each["capacity_kw"] - each["estimate_kw"])
    left_kw = max(roomiest["capacity_kw"] - roomiest["estimate_kw"], 0.0)
    return f"{words}, and {roomiest['name']} had most room left: {left_kw:.1f} kW."


def _listed(names: list[str]) -> str:
    most = 3
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
