"""When each substation came into the state that it is in, as far as the console has seen it.

Pure. A state that was there when the console began to watch has no known beginning.
"""

from collections.abc import Mapping
from typing import Any

Row = Mapping[str, Any]


class StateChanges:
    """The present state of each substation, and since when; a limit that changed is a change too."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[object, int | None]] = {}

    def note(self, name: str, row: Row, unix_s: int) -> None:
        """Take a row at a moment in unix seconds."""
        state = (row["state"], row["draining"], row["capacity_kw"])
        before = self._known.get(name)
        if before is None:
            self._known[name] = (state, None)
        elif before[0] != state:
            self._known[name] = (state, unix_s)

    def since(self, name: str) -> int | None:
        """Return the unix second at which the present state began; None when it is not known."""
        return self._known.get(name, (None, None))[1]

    def keep(self, names: set[str]) -> None:
        """Forget all others."""
        self._known = {name: state for name, state in self._known.items() if name in names}
