"""A run as two sheets: its requests and its samples, as RFC 4180 has them, in UTF-8 with a byte order mark.

Pure. A cell that a spreadsheet could take for a formula gets an apostrophe before it. The document has the
original text.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from loadtest.paper.document import mapping, mappings, number, words
from runtime.csv_text import BYTE_ORDER_MARK, inert

REQUESTS = (
    "index", "vehicle_id", "intended_unix_s", "sent_unix_s", "answered_unix_s", "outcome", "status", "reason",
    "attempts", "substation_id",
)  # fmt: skip
SAMPLES = ("at_unix_s", "substation_id", "load_kw", "capacity_kw")


def requests(told: Mapping[str, Any]) -> str:
    """Return a row for each request of a document; its moments are unix seconds."""
    return _sheet(
        REQUESTS, ([each.get(name) for name in REQUESTS] for each in mappings(told.get("requests")))
    )


def samples(told: Mapping[str, Any]) -> str:
    """Return a row for each reading of each substation; one that was missed has no row."""
    return _sheet(SAMPLES, _readings(mappings(told.get("samples"))))


def _readings(taken: Sequence[Mapping[str, Any]]) -> Iterable[list[Any]]:
    for sample in taken:
        limits = mapping(sample.get("capacity_kw"))
        for substation_id, load_kw in mapping(sample.get("load_kw")).items():
            yield [sample.get("at_unix_s"), substation_id, load_kw, limits.get(substation_id)]


def _sheet(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    paper = io.StringIO(newline="")
    paper.write(BYTE_ORDER_MARK)
    writer = csv.writer(paper, lineterminator="\r\n")
    writer.writerow(headings)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return paper.getvalue()


def _cell(value: object) -> str:
    if number(value) is not None:
        return repr(value)  # a number that is below zero is no formula
    return inert(words(value))
