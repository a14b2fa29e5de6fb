"""x."""

from loadtest.compare.groups import Comparison


def page(comparison: Comparison) -> str:
    """Return it."""
    return str(comparison)
