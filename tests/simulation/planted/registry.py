"""The planted bugs by name."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

Plant = Callable[[], AbstractContextManager[object]]

PLANTED: dict[str, Plant] = {}


def planted(make: Plant) -> Plant:
    """Note a bug under its name."""
    PLANTED[make.__name__] = make
    return make


def both(*patches: AbstractContextManager[object]) -> AbstractContextManager[object]:
    """Return patches as one."""

    @contextlib.contextmanager
    def all_of() -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            for each in patches:
                stack.enter_context(each)
            yield

    return all_of()
