"""Reads a page whose samples stand in the order of the page before it, as a substation's do from poll to poll.

Pure. Between two polls of a substation only the values on its page change. So the text before the values is compared
as a whole with that of the last page that `scan` has read; if it is equal, only the numbers have to be read. That takes
a tenth of the time. Any other page, and any value that is not a whole number, is left to `scan`, which says what is wrong.
"""

import dataclasses

from balancer.fleet.scan import ASKED, OPTIONAL, PREFIX, WITHIN, MetricSample, PageReading
from substation.contract import Report

COMMENT = ord("#")


@dataclasses.dataclass(frozen=True, slots=True)
class PageLayout:
    """Where which value stands on a page: its samples without their values, and the indices of the values.

    A sample that the page lacks has the index -1: after the values, `read` puts a 0.
    The substation's id, its journal and the address of its stream are labels, so they are part of the samples.
    """

    samples: bytes
    substation_id: str
    journal_id: str
    stream_address: str
    fields: dict[str, int]
    releases: slice

    def read(self, page: bytes) -> PageReading | None:
        """Return the reading of a page, None when it has another layout or a value that is not a whole number."""
        samples, texts = _split(page)
        if samples != self.samples:
            return None
        try:
            numbers = [float(text) for text in texts]
            values = [int(number) for number in numbers]
        except (ValueError, OverflowError):  # no number, NaN, or infinite
            return None
        at = self.fields
        values.append(0)
        draining, stale = values[at["draining"]], values[at["base_load_stale"]]
        if values[:-1] != numbers or not {draining, stale} <= {0, 1}:
            return None
        report = Report(
            self.substation_id,
            self.journal_id,
            values[at["report_epoch"]],
            values[at["report_seq"]],
            values[at["load_watts"]],
            values[at["capacity_watts"]],
            bool(draining),
            tuple(values[self.releases]),
            values[at["sessions_active"]],
            values[at["rated_watts"]],
            "",
            values[at["base_load_watts"]],
            values[at["owed_watts"]],
            values[at["sessions_paused"]],
            values[at["calendar_seconds"]],
            values[at["kept_watts"]],
            bool(stale),
        )
        return PageReading(report, self.stream_address)


def page_layout(page: bytes, samples: list[MetricSample], reading: PageReading) -> PageLayout | None:
    """Return the layout of a page, as `scan` and `page_reading` have read it.

    None when it holds other samples too, or its release schedule is not in one piece and in order: such a page is read
    by `scan` each time.
    """
    heads, texts = _split(page)
    names = [sample.name for sample in samples]
    releases = PREFIX + "releases_watts"
    first = names.index(releases)
    within = tuple(sample.labels.get("within") for sample in samples[first : first + len(WITHIN)])
    if len(texts) != len(samples) or within != WITHIN:
        return None
    lacking = {PREFIX + name for name in OPTIONAL} - set(names)
    single = [name for name in ASKED if name not in lacking | {releases, PREFIX + "info"}]
    fields = {name.removeprefix(PREFIX): names.index(name) for name in single}
    return PageLayout(
        heads,
        reading.report.substation_id,
        reading.report.journal_id,
        reading.stream_address,
        fields | {name.removeprefix(PREFIX): -1 for name in lacking},
        slice(first, first + len(WITHIN)),
    )


def _split(page: bytes) -> tuple[bytes, list[bytes]]:
    """Return the lines that are no comments without their last words, as one text, and the last words."""
    halves = [line.rpartition(b" ") for line in page.split(b"\n") if line and line[0] != COMMENT]
    return b"\n".join([head for head, _, _ in halves]), [text for _, _, text in halves]
