"""The logins by single sign-on that are under way: nobody makes the console forget those of others."""

from admin_ui.people.single_sign_on.pending import LASTS_S, MOST, MOST_OF_ONE, Pending, PendingLogins
from admin_ui.web.logins import digest


def pending(browser: str, network: str) -> Pending:
    return Pending(digest(browser), "nonce", "verifier", "/", network=network)


def test_who_begins_logins_without_end_forgets_only_their_own() -> None:
    logins = PendingLogins()
    logins.begin("grace", pending("grace's", "192.0.2.1"))
    for number in range(MOST + 1):
        logins.begin(f"{number}", pending("eve's", "192.0.2.66"))
    assert logins.take("grace", "grace's", LASTS_S)
    assert not logins.take(f"{MOST - MOST_OF_ONE}", "eve's", 0)
    assert logins.take(f"{MOST - MOST_OF_ONE + 1}", "eve's", 0)


def test_from_many_networks_the_oldest_are_forgotten() -> None:
    logins = PendingLogins()
    for number in range(MOST + 1):
        logins.begin(f"{number}", pending("a browser", f"network {number}"))
    assert not logins.take("0", "a browser", 0)
    assert logins.take("1", "a browser", 0)
