"""The journals that operators have given up for good, as the order book says.

Pure.
"""

import dataclasses


@dataclasses.dataclass(slots=True)
class DecommissionedJournals:
    """`journals` are pairs of a substation id and a journal id; replaced whenever the order book is read."""

    journals: frozenset[tuple[str, str]] = frozenset()

    def includes(self, substation_id: str, journal_id: str) -> bool:
        """Whether a journal is gone for good: keys that are claimed there may move on, and its reports are ignored.

        `journal_id` is '' in the claims of older versions. It stands for the first journal of the substation,
        because those versions could not give a journal up.
        """
        if not journal_id:
            return any(name == substation_id for name, _ in self.journals)
        return (substation_id, journal_id) in self.journals
