"""The text of the people file in both directions, and the differences that the audit log gets."""

import dataclasses

import pytest

from admin_ui.people.document import People, changes, decode, encode
from admin_ui.web.logins import Person, Role

HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"
ANN, VIC = Person("ann", Role.OPERATOR, HASH), Person("vic", Role.VIEWER, HASH)


def test_what_is_written_is_read_again() -> None:
    people = People({"ann": ANN, "vic": VIC}, "root (command line)")
    assert decode(encode(people)) == people


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "no people file"),
        ("{", "Expecting"),
        ('{"people": [{"name": "ann"}]}', "no people file"),
        (f'{{"people": [{{"name": "ann", "role": "root", "password": "{HASH}"}}]}}', "no people file"),
        (
            f'{{"people": [{{"name": "ann", "role": "nobody", "password": "{HASH}"}}]}}',
            "a role is viewer, operator or administrator",
        ),
        ('{"people": [{"name": "ann", "role": "viewer", "password": "plain"}]}', "argon2"),
        (
            f'{{"people": [{{"name": "Ann B", "role": "viewer", "password": "{HASH}"}}]}}',
            "a name is up to 63",
        ),
        (encode(People({"a": ANN, "b": ANN})), "twice"),
    ],
)
def test_a_file_that_is_not_understood_lets_nobody_in(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode(text)


def test_changes_are_listed_by_name_and_contain_no_hash() -> None:
    before = People({"ann": ANN, "vic": VIC}).summary()
    now = People(
        {"ann": dataclasses.replace(ANN, role=Role.VIEWER, password=HASH + "x"), "bob": VIC}
    ).summary()
    assert changes(before, now) == {
        "added": ["bob"],
        "removed": ["vic"],
        "role": {"ann": "operator -> viewer"},
        "password": ["ann"],
    }
    assert changes(now, now) == {}
    assert "argon2" not in repr(now)
