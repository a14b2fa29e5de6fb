"""Logins and how they end, without a clock."""

import dataclasses

import pytest

from admin_ui.web.logins import CONFIRMED_FOR_S, Logins, Person, Role

HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"
ANN, VIC = Person("ann", Role.OPERATOR, HASH), Person("vic", Role.VIEWER, HASH)


def test_a_login_lasts_for_its_hours_however_much_it_is_used() -> None:
    logins = Logins(hours=1, idle_minutes=30)
    logins.open("t", "ann", Role.OPERATOR, 0)
    assert [bool(logins.find("t", second)) for second in (0, 1700, 3400, 3599, 3600, 3500)] == [True] * 4 + [
        False
    ] * 2


def test_a_login_that_is_not_used_ends_sooner() -> None:
    logins = Logins(hours=12, idle_minutes=30)
    logins.open("used", "ann", Role.OPERATOR, 0)
    logins.open("idle", "ann", Role.OPERATOR, 0)
    assert logins.find("used", 1799)
    assert logins.find("used", 3597)
    assert not logins.find("idle", 1800)


def test_logins_that_have_ended_are_not_kept() -> None:
    logins = Logins(hours=1)
    for second in range(0, 100_000, 1000):
        logins.open(f"t{second}", "ann", Role.OPERATOR, second)
    assert len(logins._open) <= 5


def test_a_token_is_kept_as_its_hash_only() -> None:
    logins = Logins(1)
    logins.open("secret-token", "ann", Role.OPERATOR, 0)
    assert "secret-token" not in repr(logins._open)


def test_a_password_counts_as_just_given_for_a_while_after_login_and_after_each_confirmation() -> None:
    logins = Logins(12)
    login = logins.open("t", "ann", Role.OPERATOR, 0)
    assert logins.confirmed(login, CONFIRMED_FOR_S)
    assert not logins.confirmed(login, CONFIRMED_FOR_S + 1)
    assert not logins.confirmed(login, -1)  # the clock was set back
    logins.confirm("t", 1000)
    login_then = logins.find("t", 1000)
    assert login_then
    assert logins.confirmed(login_then, 1000 + CONFIRMED_FOR_S)
    logins.confirm("other", 1000)
    assert Logins(12, confirming=False).confirmed(login, 1e9)


@pytest.mark.parametrize(
    "now",
    [
        {},
        {"ann": dataclasses.replace(ANN, role=Role.VIEWER)},
        {"ann": dataclasses.replace(ANN, password=HASH + "x")},
    ],
    ids=["removed", "another role", "another password"],
)
def test_the_logins_of_who_is_changed_end_and_no_others(now: dict[str, Person]) -> None:
    logins = Logins(12)
    logins.open("ann", "ann", ANN.role, 0, ANN)
    logins.open("vic", "vic", VIC.role, 0, VIC)
    logins.open("link", "local administrator", Role.OPERATOR, 0)
    assert logins.keep_to({"ann": ANN, "vic": VIC}) == 0
    assert logins.keep_to(now | {"vic": VIC}) == 1
    assert [bool(logins.find(token, 1)) for token in ("ann", "vic", "link")] == [False, True, True]
