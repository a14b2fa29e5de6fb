"""Reads what a meter sends: `{"kw": 212.5}` or `{"watts": 212500}`, with `at_unix_ms` if it was measured earlier.

Pure. The present wall time is an argument.
"""

import math
from collections.abc import Mapping

W_PER_KW = 1000
MOST_W = 10**9
AHEAD_MS = 60_000  # by which the meter's clock may be fast
FIELDS = frozenset({"kw", "watts", "at_unix_ms"})


def reading(body: Mapping[str, object], now_unix_ms: int) -> tuple[int, int]:
    """Return the watts, rounded up, and the wall time of a reading; raises ValueError that names every fault."""
    faults = [f"{name[:40]!r} is not a field of a reading" for name in sorted(body.keys() - FIELDS)]
    given = [name for name in ("kw", "watts") if name in body]
    if len(given) != 1:
        faults.append("exactly one of kw and watts is needed")
    watts = 0
    for name in given:
        power = body[name]
        most = MOST_W / W_PER_KW if name == "kw" else MOST_W
        if not isinstance(power, int | float) or isinstance(power, bool) or not 0 <= power <= most:
            faults.append(f"{name} must be a number from 0 to {most:.0f}")
        else:
            watts = math.ceil(round(power * (W_PER_KW if name == "kw" else 1), 6))
    at = body.get("at_unix_ms", now_unix_ms)
    if not isinstance(at, int) or isinstance(at, bool) or not 0 <= at <= now_unix_ms + AHEAD_MS:
        faults.append("at_unix_ms must be a whole number of milliseconds since 1970, and not in the future")
        at = now_unix_ms
    if faults:
        raise ValueError("; ".join(faults))
    return watts, min(at, now_unix_ms)
