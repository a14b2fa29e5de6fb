"""Text for cells of CSV files that people open in a spreadsheet.

Pure. A spreadsheet runs a cell that begins like a formula, and ids and reasons are words of strangers. It reads
a file as UTF-8 for certain only when the file begins with a byte order mark.
Source: OWASP, "CSV Injection".
"""

BYTE_ORDER_MARK = "\ufeff"
FORMULA_SIGNS = (
    "=+-@\uff1d\uff0b\uff0d\uff20"  # the second four are full-width: some spreadsheets take them too
)
INVISIBLE = "\ufeff\u200b\u200c\u200d\u2060\u00ad\x00"  # left out before a cell is looked at


def inert(text: str) -> str:
    """Return text that no spreadsheet takes for a formula: with an apostrophe before it where it could be one."""
    if text.startswith(("\t", "\r", "\n")):
        return f"'{text}"
    first = next((each for each in text if each not in INVISIBLE and not each.isspace()), "")
    return f"'{text}" if first and first in FORMULA_SIGNS else text
