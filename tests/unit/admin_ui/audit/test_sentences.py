"""An entry of the audit log as one sentence."""

import pytest

from admin_ui.audit.sentences import sentence

RUN = "20261122T170358Z-rush-hour-1-9c41"


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        (("ana", "drain", "substation-2", "done", {"told": "It is draining."}), "ana drained substation-2."),
        (
            ("ana", "drain", "substation-2", "refused", {"why": "this requires the role operator"}),
            "ana wanted to drain substation-2, and was refused: this requires the role operator.",
        ),
        (
            ("ana", "restore", "substation-2", "unconfirmed", {"told": "It did not answer."}),
            "ana asked to restore substation-2; the grid has not confirmed it.",
        ),
        (
            ("ana", "drain", "s", "unknown", {}),
            "ana asked to drain s; whether it was done is not known.",
        ),
        (("ana", "drain", "s", "under way", {}), "ana asks to drain s; it is being carried out."),
        (
            ("ana", "capacity", "s", "done", {"value": 1200.0}),
            "ana changed the limit of s to 1,200 kW.",
        ),
        (("ana", "capacity", "s", "done", {"value": None}), "ana changed the limit of s to its rated limit."),
        (("ana", "policy", "the fleet", "done", {"value": "random"}), "ana switched the policy to random."),
        (
            ("ana", "policy", "the fleet", "refused", {"why": "No."}),
            "ana wanted to switch the policy of the fleet, and was refused: No.",
        ),
        (
            ("ana", "stop rush hour", RUN, "done", {"end_sessions": True}),
            f"ana stopped the rush hour {RUN} and ended its sessions.",
        ),
        (
            ("ana", "stop rush hour", RUN, "done", {"end_sessions": False}),
            f"ana stopped the rush hour {RUN} and left its cars.",
        ),
        (
            ("ana", "rush hour ended", RUN, "done", {"verdict": "held"}),
            f"The rush hour {RUN} of ana ended: passed.",
        ),
        (("ana", "start rush hour", "spike", "done", {}), "ana started a rush hour, spike."),
        (
            ("ana", "mute alarms", "NoHeadroom", "done", {"minutes": 60.0}),
            "ana muted NoHeadroom for 60 min.",
        ),
        (("ana", "log in", "", "done", {"address": "127.0.0.1"}), "ana logged in."),
        (
            ("unknown", "log in", "", "refused", {"failed_tries_not_listed_before": 3}),
            "unknown wanted to log in, and was refused.",
        ),
        (("ana", "brew tea", "pot-1", "done", {}), "ana did: brew tea pot-1."),
        (
            ("ana", "brew tea", "pot-1", "failed", {"told": "no water"}),
            "ana tried to brew tea pot-1, which failed: no water.",
        ),
        (("ana", "mute alarms", "{target} {0}", "done", {}), "ana muted {target} {0}."),
    ],
)
def test_an_entry_is_one_sentence(entry: tuple[str, str, str, str, dict[str, object]], expected: str) -> None:
    assert sentence(*entry) == expected
