"""The logins by single sign-on that are under way.

Pure: time comes as seconds of a monotonic clock. Each has a `state`, which is good for one answer of the provider, in the browser
that began it, and for ten minutes. So an answer that is replayed, planted in another browser or late logs nobody in.
"""

import dataclasses

from admin_ui.web.logins import digest

LASTS_S = 600.0
MOST = 1000  # the oldest beyond them are forgotten
MOST_OF_ONE = 50  # of one network, so that nobody can make the console forget the logins of others


@dataclasses.dataclass(frozen=True, slots=True)
class Pending:
    """One login under way: the digest of the browser's cookie, the nonce, the PKCE verifier, and where it leads.

    `network` is where the browser is. `confirming` is the digest of the token of the login for which the password is given again, '' for a new login.
    """

    browser: str
    nonce: str
    verifier: str
    destination: str
    confirming: str = ""
    began_s: float = 0.0
    network: str = ""


class PendingLogins:
    """The pending logins by the digest of their state."""

    def __init__(self) -> None:
        self._by_state: dict[str, Pending] = {}

    def begin(self, state: str, pending: Pending) -> None:
        """Remember a login that begins."""
        self._by_state[digest(state)] = pending
        of_one = [key for key, each in self._by_state.items() if each.network == pending.network]
        if len(of_one) > MOST_OF_ONE:
            del self._by_state[of_one[0]]
        elif len(self._by_state) > MOST:
            del self._by_state[next(iter(self._by_state))]

    def take(self, state: str, browser: str, now_s: float) -> Pending | None:
        """Return the login of a state, which is good no second time; None for an unknown, old or foreign one."""
        pending = self._by_state.pop(digest(state), None)
        if pending and now_s - pending.began_s <= LASTS_S and pending.browser == digest(browser):
            return pending
        return None
