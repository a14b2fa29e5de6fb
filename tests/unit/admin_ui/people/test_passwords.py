"""A hash that stands in for a person's, so that an unknown name is answered as slowly as a known one."""

import argon2

from admin_ui.people.passwords import PLACEHOLDER


def test_an_unknown_name_takes_as_long_as_a_known_one() -> None:
    assert not argon2.PasswordHasher().check_needs_rehash(PLACEHOLDER), (
        "other parameters than those of new hashes"
    )
