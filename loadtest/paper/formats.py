"""How a figure is written in text and tables; a figure that was not measured is a dash.

Pure.
"""

from loadtest.paper.fields import number

MISSING = "-"
SECOND_MS = 1000
WHOLE_FROM_WS = 1000


def figure(value: object, form: str) -> str:
    """Return a number in the format `form`; a dash for anything else."""
    found = number(value)
    return MISSING if found is None else format(found, form)


def whole(value: object) -> str:
    """Return a count or a power without decimals."""
    return figure(value, ",.0f")


def watt_seconds(value: object) -> str:
    """Return an overload without its unit: whole from a thousand on, exact below, so that none is shown as 0."""
    found = number(value)
    return figure(value, ",.0f" if found is not None and found >= WHOLE_FROM_WS else "g")


def share(value: object) -> str:
    """Return a share as a percentage."""
    return figure(value, ".1%").replace("%", " %")


def points(value: object) -> str:
    """Return a difference of two shares in percentage points, without the word."""
    found = number(value)
    return MISSING if found is None else f"{100 * found:.1f}"


def milliseconds(value: object) -> str:
    """Return a time in milliseconds with its unit; from a second on without decimals."""
    found = number(value)
    return MISSING if found is None else f"{found:,.{1 if found < SECOND_MS else 0}f} ms"
