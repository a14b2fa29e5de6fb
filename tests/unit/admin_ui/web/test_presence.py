"""Who has a page open, without a clock and without a connection."""

from typing import Any

import pytest

from admin_ui.web.logins import Login, Role
from admin_ui.web.presence import LONGEST, MessageRefused, Presence

BEN, CAT = (Login(name, Role.OPERATOR, 1e9, 0) for name in ("ben", "cat"))
DRAIN = {"order": "drain", "target": "substation-2"}


def test_pages_are_put_together_by_person_and_forgotten_with_their_connection() -> None:
    presence = Presence()
    presence.opened(1, CAT, 10)
    presence.opened(2, BEN, 20)
    presence.opened(3, BEN, 30)
    presence.says(3, {"dialog": DRAIN}, 40)
    ben = {
        "name": "ben",
        "role": "operator",
        "since_unix_s": 20,
        "pages": 2,
        "dialogs": [DRAIN | {"since_unix_s": 40}],
    }
    cat = {"name": "cat", "role": "operator", "since_unix_s": 10, "pages": 1, "dialogs": []}
    assert presence.shown() == {"people": [ben, cat]}
    presence.says(3, {"dialog": None}, 50)
    assert presence.shown() == {"people": [ben | {"dialogs": []}, cat]}
    for key in (1, 2, 3, 3):
        presence.closed(key)
    presence.says(3, {"dialog": DRAIN}, 60)  # of a connection that has gone
    assert presence.shown() == {"people": []}


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"dialog": 1},
        {"dialog": []},
        {"dialog": {"order": "drain"}},
        {"dialog": DRAIN | {"more": 1}},
        {"dialog": DRAIN | {"target": "x" * (LONGEST + 1)}},
        {"dialog": DRAIN | {"order": "\n"}},
        {"dialog": DRAIN | {"order": None}},
        {"dialog": DRAIN, "name": "another"},
    ],
)
def test_a_message_that_is_no_dialog_is_refused_and_changes_nothing(message: dict[str, Any]) -> None:
    presence = Presence()
    presence.opened(1, BEN, 10)
    before = presence.shown()
    with pytest.raises(MessageRefused, match="must be"):
        presence.says(1, message, 20)
    assert presence.shown() == before
