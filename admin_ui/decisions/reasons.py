"""Explains a decision of the balancer in words and figures.

Pure. An explanation never says more than the decision contains: where the estimates don't explain a choice, it says so.
"""

from collections.abc import Mapping
from typing import Any

MOST_CANDIDATES = 12  # of one decision, as many as the balancer records; the others are counted
CLOSE = 1e-6  # estimates are rounded to the watt; a smaller difference counts as equal
UNUSABLE = {"ejected", "conflict", "gone", "unseen"}
UNLINKED = "its stream is down"

# The kind of a decision, which gives its row a colour and a sign.
PLACED, WAITS, REFUSED, OPEN = "placed", "waits", "refused", "open"
OF_A_SUBSTATION = {  # by outcome, where a substation was chosen
    "": (OPEN, "asked; the answer is awaited"),
    "placed": (PLACED, "admitted"),
    "refused": (REFUSED, "refused by the substation; the next best is asked"),
    "stale": (REFUSED, "not used: a later attempt was on its way"),
    "withdrawn": (REFUSED, "withdrawn: the caller was asked to send a new request"),
    "unknown": (OPEN, "no answer in time; the same substation is asked again with the same key"),
    "known": (PLACED, "admitted earlier: the order book knows where"),
    "wrong_book": (REFUSED, "refused: the substation belongs to another order book"),
}
WITHOUT_A_SUBSTATION = {  # by outcome, where none was chosen
    "": (REFUSED, "refused, with a time to come back"),
    "waiting": (WAITS, "waits for room"),
    "seated": (PLACED, "waited, and got a place"),
    "in_vain": (REFUSED, "refused after waiting"),
    "left": (REFUSED, "waited, and the caller hung up"),
}
USUAL = frozenset({"", "placed"})  # outcomes that need no explanation
BY_POLICY = {  # the reason of policies that don't choose the lowest load
    "round_robin": "it was its turn among the substations with room",
    "random": "it was drawn at random among the substations with room",
    "power_of_two": "it was the less loaded of two that were drawn at random",
    "predictive": "its peak while the car stays was expected to be the lowest",
    "snapshot_least_loaded": "it was lowest by the last poll alone, without what was placed since",
}
NOT_CHOSEN = {
    "round_robin": "not its turn",
    "predictive": "higher peak expected",
}  # verdicts; else: not drawn
FALLBACK = ", by least_loaded: "  # in the balancer's reason, before why it could not go by forecasts


def explain(decision: Mapping[str, Any]) -> dict[str, Any]:
    """Return a decision of `/decisions` with its kind, outcome and reason in words, and its candidates."""
    demand_kw, chosen = decision["demand_kw"], decision["chosen"]
    candidates = [_candidate(option, demand_kw, chosen) for option in decision["options"]]
    _judge(_rule(decision), candidates)
    candidates.sort(key=lambda each: (not each["chosen"], each["why_not"] != "", each["after"], each["name"]))
    kind, result = (OF_A_SUBSTATION if chosen else WITHOUT_A_SUBSTATION).get(
        decision["outcome"], (OPEN, decision["outcome"])
    )
    plain = {name: value for name, value in decision.items() if name != "options"}
    return plain | {
        "kind": kind,
        "came_of_it": result,
        "usual": _usual(decision, candidates),
        "words": _words(decision, candidates) + _fallback(decision["reason"]),
        "candidates": candidates[:MOST_CANDIDATES],
        "left_out": max(len(candidates) - MOST_CANDIDATES, 0) + decision.get("left_out", 0),
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
    """Set the verdict of each candidate: in a word or two, why it was chosen or not."""
    chosen = next((each for each in candidates if each["chosen"]), None)
    for each in candidates:
        if each["chosen"]:
            each["verdict"] = "chosen"
        elif each["why_not"] or not chosen:
            each["verdict"] = each["why_not"] or "room kept for others"
        elif policy != "least_loaded":
            each["verdict"] = NOT_CHOSEN.get(policy, "not drawn")
        elif abs(each["after"] - chosen["after"]) <= CLOSE:
            each["verdict"] = "equal, not drawn"
        else:
            each["verdict"] = "higher" if each["after"] > chosen["after"] else "lower, room kept for others"


def _words(decision: Mapping[str, Any], candidates: list[dict[str, Any]]) -> str:
    demand = f"{decision['demand_kw']:g} kW"
    if not decision["chosen"]:
        return _why_none(decision["reason"], demand, candidates)
    chosen = next((each for each in candidates if each["chosen"]), None)
    if chosen is None:
        return f"{decision['chosen']}: {decision['reason']}."
    share = f"{chosen['after'] * 100:.1f} %"
    if _rule(decision) != "least_loaded":
        why = BY_POLICY.get(decision["policy"], decision["reason"])
        if decision["policy"] == "predictive":  # it says which peak
            why = ": ".join(filter(None, (why, decision["reason"].partition(": ")[2])))
        return f"{chosen['name']}: {why}. With {demand} more it comes to {share} of its limit."
    lower = [each for each in candidates if each["after"] < chosen["after"] - CLOSE]
    if not lower:
        return f"{chosen['name']} had the lowest load for its size after adding {demand}: {share}."
    return f"{chosen['name']} comes to {share} of its limit with {demand} more. {_passed_over(lower)}"


def _usual(decision: Mapping[str, Any], candidates: list[dict[str, Any]]) -> bool:
    """Return whether a decision went as its policy always goes: then its reason says nothing new.

    That a drained substation is passed over is what its operator wants.
    """
    chosen = next((each for each in candidates if each["chosen"]), None)
    if chosen is None or decision["outcome"] not in USUAL or _fallback(decision["reason"]):
        return False
    if _rule(decision) != "least_loaded":
        return decision["policy"] in BY_POLICY
    lower = [each for each in candidates if each["after"] < chosen["after"] - CLOSE]
    return all(each["why_not"] == "draining" for each in lower)


def _rule(decision: Mapping[str, Any]) -> str:
    """Return the policy that chose: without good forecasts, `predictive` leaves it to `least_loaded`."""
    return "least_loaded" if FALLBACK in decision["reason"] else str(decision["policy"])


def _fallback(reason: str) -> str:
    """Return why a choice that should go by forecasts did not; '' for any other."""
    doubt = reason.partition(FALLBACK)[2]
    return f" Forecasts could not be used: {doubt}." if doubt else ""


def _passed_over(lower: list[dict[str, Any]]) -> str:
    """Return why the candidates with a lower load were not used."""
    unusable = [f"{each['name']} ({each['why_not']})" for each in lower if each["why_not"]]
    kept = [each["name"] for each in lower if not each["why_not"]]
    words = f"Lower, but not used: {_listed(unusable)}." if unusable else ""
    if kept:
        words += (
            f" {_listed(kept)} had a lower load too; its room was kept for requests that had waited longer."
        )
    return words.strip()


def _why_none(reason: str, demand: str, candidates: list[dict[str, Any]]) -> str:
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
