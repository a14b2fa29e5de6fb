"""A ledger on a virtual clock with a dict as its journal."""

from substation.contract import Place, Withdraw
from substation.curve import Usage
from substation.ledger import Decision, Ledger
from substation.records import Record
from tests.support.sessions import UNIX_MS, entry

CAPACITY_W = 33_000


class Desk:
    """A ledger with a dict for its journal, at a time that the test sets."""

    def __init__(self, capacity_w: int = CAPACITY_W) -> None:
        self.ledger = Ledger(capacity_w, 0, Usage())
        self.known: dict[str, Record] = {}
        self.now_ms = 0

    def at(self, now_ms: int) -> "Desk":
        self.now_ms = now_ms
        self.ledger.begin(now_ms)
        return self

    def place(self, command: Place) -> Decision:
        known = self.known.get(command.key)
        return self._kept(self.ledger.place(command, known, entry(command, self.now_ms)))

    def withdraw(self, key: str, attempt: int) -> Decision:
        return self._kept(self.ledger.withdraw(Withdraw(key, attempt), self.known.get(key), UNIX_MS))

    def stop(self, key: str) -> Decision:
        return self._kept(self.ledger.stop(self.known.get(key), UNIX_MS))

    def _kept(self, decision: Decision) -> Decision:
        if decision.write and decision.record:
            self.known[decision.record.key] = decision.record
        self.ledger.check()
        return decision
