"""Who one substation is: where polls saw its id, under which journal, and who answers on its stream.

Pure: time comes as seconds of a monotonic clock. Rules:

- one id under two journals at two addresses within the last polls is a conflict, until only one of
  them was seen for as long; two journals at one address are a new disk;
- the stream must name the same id and journal as the page, else one of them lies or is out of date.
"""

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class StreamEvidence:
    """Who answered on the stream, and since when."""

    substation_id: str
    journal_id: str
    since_s: float


@dataclasses.dataclass(slots=True)
class IdentityEvidence:
    """What polls and the stream say about one substation id; `journals` holds where and when each was seen."""

    journals: dict[str, tuple[str, float]] = dataclasses.field(default_factory=dict)
    heard: StreamEvidence | None = None

    def saw(self, journal_id: str, url: str, now_s: float, within_s: float) -> None:
        """A poll of `url` found this id; what was seen longer than `within_s` ago is forgotten."""
        fresh = {journal: seen for journal, seen in self.journals.items() if now_s - seen[1] <= within_s}
        self.journals = fresh | {journal_id: (url, now_s)}

    def disputed(self, now_s: float, within_s: float) -> bool:
        """Whether two journals claimed this id at different addresses within the last `within_s`."""
        if len(self.journals) < 2:  # noqa: PLR2004 - as it should be
            return False
        return len({url for url, seen_s in self.journals.values() if now_s - seen_s <= within_s}) > 1

    def hear(self, substation_id: str, journal_id: str, now_s: float) -> None:
        """The stream said whose it is."""
        heard = self.heard
        if not heard or (heard.substation_id, heard.journal_id) != (substation_id, journal_id):
            self.heard = StreamEvidence(substation_id, journal_id, now_s)

    def turn(self, substation_id: str, journal_id: str, *, moved: bool) -> None:
        """The page is at another address or of another journal: what the stream said of the old is void."""
        fits = self.heard and (self.heard.substation_id, self.heard.journal_id) == (substation_id, journal_id)
        if moved or not fits:
            self.heard = None

    def denied_s(self, substation_id: str, journal_id: str, now_s: float) -> float | None:
        """Return for how long the stream has named another identity; None while it does not."""
        heard = self.heard
        if not heard or (heard.substation_id, heard.journal_id) == (substation_id, journal_id):
            return None
        return now_s - heard.since_s
