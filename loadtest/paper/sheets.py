"""A run as two CSV files (RFC 4180), its requests and its samples, in UTF-8 with a byte order mark.

Pure. A cell that a spreadsheet would read as a formula gets an apostrophe before it. The document keeps the
original text.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from loadtest.paper.fields import mapping, mappings, number, text
from runtime.csv_text import BYTE_ORDER_MARK, inert

REQUESTS = (
    "index",
    "vehicle_id",
    "intended_unix_s",
    "sent_unix_s",
    "answered_unix_s",
    "outcome",
    "status",
    "reason",
    "attempts",
    "substation_id",
)
SAMPLES = ("at_unix_s", "substation_id", "load_kw", "capacity_kw", "base_load_kw", "paused")


def requests(document: Mapping[str, Any]) -> str:
    """Return a row for each request of a document; its moments are unix seconds."""
    return _sheet(
        REQUESTS, ([each.get(name) for name in REQUESTS] for each in mappings(document.get("requests")))
    )


def samples(document: Mapping[str, Any]) -> str:
    """Return a row for each reading of each substation; a missed reading has no row."""
    return _sheet(SAMPLES, _readings(mappings(document.get("samples"))))


def _readings(taken: Sequence[Mapping[str, Any]]) -> Iterable[list[Any]]:
    for sample in taken:
        others = [mapping(sample.get(name)) for name in SAMPLES[3:]]
        for substation_id, load_kw in mapping(sample.get("load_kw")).items():
            yield [
                sample.get("at_unix_s"),
                substation_id,
                load_kw,
                *(each.get(substation_id) for each in others),
            ]


def _sheet(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    paper = io.StringIO(newline="")
    paper.write(BYTE_ORDER_MARK)
    writer = csv.writer(paper, lineterminator="\r\n")
    writer.writerow(headings)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return paper.getvalue()


def _cell(value: object) -> str:
    if number(value) is not None:
        return repr(value)  # a negative number is not a formula
    return inert(text(value))
