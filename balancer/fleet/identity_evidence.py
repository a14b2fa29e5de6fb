"""The evidence of a substation's identity: where polls saw its id and journal, and which id its stream names.

Pure: time comes as seconds of a monotonic clock. Rules:

- one id under two journals at two addresses within the last polls is a conflict, until only one of
  them was seen for as long; two journals at one address are a new disk;
- the stream must name the same id and journal as the page; otherwise one of them is wrong or out of date.
"""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class StreamEvidence:
    """The id and the journal that the stream named, and since when."""

    substation_id: str
    journal_id: str
    since_s: float


@dataclasses.dataclass(slots=True)
class IdentityEvidence:
    """The evidence about one substation id; `journals` has where and when each journal was seen."""

    journals: dict[str, tuple[str, float]] = dataclasses.field(default_factory=dict)
    heard: StreamEvidence | None = None

    def saw(self, journal_id: str, url: str, now_s: float, within_s: float) -> None:
        """Record that a poll of `url` found this id; forget what was seen longer than `within_s` ago."""
        fresh = {journal: seen for journal, seen in self.journals.items() if now_s - seen[1] <= within_s}
        self.journals = fresh | {journal_id: (url, now_s)}

    def disputed(self, now_s: float, within_s: float) -> bool:
        """Whether two journals claimed this id at different addresses within the last `within_s`."""
        if len(self.journals) < 2:
            return False
        return len({url for url, seen_s in self.journals.values() if now_s - seen_s <= within_s}) > 1

    def hear(self, substation_id: str, journal_id: str, now_s: float) -> None:
        """Record the identity that the stream named."""
        heard = self.heard
        if not heard or (heard.substation_id, heard.journal_id) != (substation_id, journal_id):
            self.heard = StreamEvidence(substation_id, journal_id, now_s)

    def turn(self, substation_id: str, journal_id: str, *, moved: bool) -> None:
        """Record that the page moved or has another journal: the identity that the former stream named is void."""
        fits = self.heard and (self.heard.substation_id, self.heard.journal_id) == (substation_id, journal_id)
        if moved or not fits:
            self.heard = None

    def denied_s(self, substation_id: str, journal_id: str, now_s: float) -> float | None:
        """Return for how long the stream has named another identity; None while it does not."""
        heard = self.heard
        if not heard or (heard.journal_id == journal_id and heard.substation_id == substation_id):
            return None
        return now_s - heard.since_s
