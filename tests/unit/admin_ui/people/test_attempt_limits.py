"""What the limits of attempts keep: digests, and no login that might still last."""

import pickle
import secrets

from admin_ui.people.attempt_limits import BY_BROWSER, AttemptLimits, AttemptSource


def test_no_login_and_no_device_is_kept_in_clear() -> None:
    limits, login, device = AttemptLimits(), secrets.token_urlsafe(32), secrets.token_hex(16)
    for source in (AttemptSource("192.0.2.1", login=login), AttemptSource("192.0.2.1", device=device)):
        assert limits.take("ann", source, 0.0) == 0
    kept = pickle.dumps(limits)
    assert b"ann " in kept  # what is kept is found so
    assert login.encode() not in kept
    assert device.encode() not in kept


def test_each_login_has_attempts_of_its_own() -> None:
    limits, sources = AttemptLimits(), [AttemptSource("192.0.2.1", login=login) for login in ("a", "b")]
    for source in sources:
        taken = [limits.take("ann", source, 0.0) for _ in range(BY_BROWSER[0] + 1)]
        assert [bool(wait_s) for wait_s in taken] == [False] * BY_BROWSER[0] + [True]
    limits.give_back("ann", sources[0], 0.0)
    assert limits.take("ann", sources[0], 0.0) == 0
    assert limits.take("ann", sources[1], 0.0) > 0
