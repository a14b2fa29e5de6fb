"""A name that nobody has is checked like any other: against a hash of the same cost."""

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from admin_ui.people.passwords import placeholder


def test_the_placeholder_is_a_hash_of_the_usual_cost_that_no_password_matches() -> None:
    hasher = PasswordHasher()
    made = placeholder(hasher)
    assert not hasher.check_needs_rehash(made)
    with pytest.raises(VerifyMismatchError):  # computed and compared, not refused as malformed
        hasher.verify(made, "nobody's")
    assert placeholder(hasher) != made
