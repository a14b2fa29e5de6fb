"""`@value(frozen=True, slots=True)`: a dataclass that nobody changes, whose constructor is as fast as a mutable one's.

Pure.

The constructor of a frozen dataclass sets each field by a call, which takes five times as long as to assign it. An
admission makes some forty such objects in three services. So what is made for each request is frozen for mypy, which
refuses an assignment anywhere in this project, and not at run time (docs/adr/0065).
"""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

__all__ = ["value"]

if TYPE_CHECKING:
    from dataclasses import dataclass as value
else:

    def value(*, frozen: bool, slots: bool) -> Callable[[type], Any]:
        """Return the decorator; equality and hash are those of a frozen dataclass."""
        return dataclasses.dataclass(slots=slots, unsafe_hash=frozen)
