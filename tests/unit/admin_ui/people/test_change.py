"""Changes of people: what each one does, and that an administrator always remains."""

import dataclasses

import pytest

from admin_ui.people.change import Change, ChangeKind, ChangeRefused, apply
from admin_ui.people.document import People, changes, decode, encode
from admin_ui.web.logins import Person, Role

HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"
ADA = Person("ada", Role.ADMINISTRATOR, HASH)
ANN = Person("ann", Role.OPERATOR, HASH)
ONE_END = dataclasses.replace(ANN, logins_ended=1)
LAST = [
    Change(ChangeKind.REMOVE, "ada"),
    Change(ChangeKind.ROLE, "ada", Role.OPERATOR),
    Change(ChangeKind.DISABLE, "ada"),
]


@pytest.mark.parametrize(
    ("change", "ann"),
    [
        (Change(ChangeKind.ROLE, "ann", Role.VIEWER), dataclasses.replace(ONE_END, role=Role.VIEWER)),
        (Change(ChangeKind.PASSWORD, "ann", password="$argon2x"), dataclasses.replace(ONE_END, password="$argon2x")),
        (Change(ChangeKind.RESET, "ann"), dataclasses.replace(ONE_END, password="")),
        (Change(ChangeKind.END_LOGINS, "ann"), ONE_END),
        (Change(ChangeKind.DISABLE, "ann"), dataclasses.replace(ONE_END, disabled=True)),
        (Change(ChangeKind.ENABLE, "ann"), ONE_END),
        (Change(ChangeKind.REMOVE, "ann"), None),
    ],
    ids=lambda each: each.kind if isinstance(each, Change) else "",
)  # fmt: skip
def test_a_change_does_what_it_says_and_every_one_ends_the_logins_of_that_person(
    change: Change, ann: Person | None
) -> None:
    people = {"ada": ADA, "ann": ANN}
    assert "ann" in apply(people, change)
    assert people.get("ann") == ann
    assert people["ada"] == ADA
    assert people.get("ann") != ANN  # which is what ends the logins
    assert decode(encode(People(people))).by_name == people


def test_a_person_is_added_with_or_without_a_password() -> None:
    people = {"ada": ADA}
    assert apply(people, Change(ChangeKind.ADD, "bob", Role.VIEWER)) == "bob may log in as viewer."
    assert people["bob"] == Person("bob", Role.VIEWER, "")
    assert decode(encode(People(people))).by_name == people


@pytest.mark.parametrize("change", LAST, ids=lambda change: change.kind)
def test_the_last_administrator_stays_one(change: Change) -> None:
    people = {"ada": ADA, "ann": ANN, "eve": dataclasses.replace(ADA, name="eve", disabled=True)}
    before = dict(people)
    with pytest.raises(ChangeRefused, match="ada is the last administrator"):
        apply(people, change)
    assert people == before
    people["bob"] = dataclasses.replace(ADA, name="bob")
    apply(people, change)


def test_a_file_without_an_administrator_can_be_changed() -> None:
    people = {"ann": ANN}
    apply(people, Change(ChangeKind.ROLE, "ann", Role.VIEWER))
    apply(people, Change(ChangeKind.REMOVE, "ann"))
    assert people == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (Change(ChangeKind.ADD, "ann", Role.VIEWER), "a name is new"),
        (Change(ChangeKind.ADD, "Ann", Role.VIEWER), "up to 63"),
        (Change(ChangeKind.END_LOGINS, "zoe"), "nobody called zoe"),
    ],
)
def test_what_can_t_be_done_is_refused_with_the_reason(change: Change, message: str) -> None:
    with pytest.raises(ChangeRefused, match=message):
        apply({"ada": ADA, "ann": ANN}, change)


def test_the_audit_log_gets_states_and_ends_also_beside_entries_of_older_versions() -> None:
    before = {"ann": "operator 1234abcd", "bob": "viewer 1234abcd"}
    now = {"ann": "operator 1234abcd enabled 0", "bob": "viewer 1234abcd disabled 1"}
    assert changes(before, now) == {"state": {"bob": "disabled"}, "ended_logins_of": ["bob"]}
