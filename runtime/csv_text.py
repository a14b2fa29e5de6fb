"""Text for cells of CSV files that people open in a spreadsheet.

Pure. A spreadsheet executes a cell that begins like a formula, and ids and reasons come from strangers. It surely
reads a file as UTF-8 only if the file begins with a byte order mark.
Source: OWASP, "CSV Injection".
"""

import csv
import io
from collections.abc import Iterable, Iterator

BYTE_ORDER_MARK = "\ufeff"
# The second four are full-width: some spreadsheets take them too.
FORMULA_SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20"
INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060\u00ad\x00"  # ignored at the start of a cell


def line(cells: Iterable[str]) -> str:
    """Return a line of a CSV file, with its end."""
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()


def inert(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: where it could be one, an apostrophe comes first."""
    if text.startswith(("\t", "\r", "\n")):
        return f"'{text}"
    first = next((each for each in text if each not in INVISIBLE and not each.isspace()), "")
    return f"'{text}" if first and first in FORMULA_SIGNS else text


class NotCsv(ValueError):
    """A text is no CSV; the message says in which line, and why."""


def rows(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield each row of a text with the number of its last line; raises NotCsv."""
    reader = csv.reader(lines)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:  # no ValueError
        raise NotCsv(f"line {reader.line_num}: {error}") from None
