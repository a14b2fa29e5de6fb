"""The journal's own row as a batch of decisions leaves it, in memory and on the disk alike."""

import dataclasses

from substation.contract import Bind, SubstationOutcome
from substation.journal import Journal
from substation.ledger import Decision


class StationRow:
    """The present row, in `known`. Change it only inside a transaction of the journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.known = self._before = journal.station()

    def begin(self) -> None:
        """Start a batch: `rollback` returns to here."""
        self._before = self.known

    def rollback(self) -> None:
        """Undo in memory what the journal has undone."""
        self.known = self._before

    def belongs_to(self, book_id: str) -> bool:
        """Whether requests of an order book are accepted; the first order book that asks owns the substation."""
        if not self.known.book_id:
            self._journal.bind(book_id)
            self.known = dataclasses.replace(self.known, book_id=book_id)
        return self.known.book_id == book_id

    def bind(self, order: Bind) -> Decision:
        """Belong to another order book, if it follows the present one."""
        if not order.book_id or self.known.book_id not in {"", order.book_id, *order.former}:
            return Decision(SubstationOutcome.WRONG_BOOK)
        self._journal.bind(order.book_id)
        self.known = dataclasses.replace(self.known, book_id=order.book_id)
        return Decision(SubstationOutcome.DONE, write=True)

    def steer(self, *, draining: bool, limit_w: int) -> None:
        """Note an operator's order; `limit_w` 0 is the rated capacity."""
        self._journal.steer(draining=draining, limit_w=limit_w)
        self.known = dataclasses.replace(self.known, draining=draining, limit_w=limit_w)
