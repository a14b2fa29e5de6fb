"""Which open sessions a browser asks for, and what each substation is asked for it.

Pure. A page goes on `after` a session or ends right `before` one; the session is named by the cursor that its substation gave it.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

from admin_ui.sessions.answer import Listing, listing_of
from runtime.settings import integer

ORDERS = ("start", "power", "end", "vehicle")
DIRECTIONS = ("up", "down")
STATES = ("", "charging", "paused")
MOST = 100  # sessions of a page
USUAL = 50
MOST_ID = 128  # characters of a search or of a substation's id
MOST_CURSOR = 600


@dataclasses.dataclass(frozen=True, slots=True)
class PageQuery:
    """One page: at most `limit` sessions in an order, of one substation or ('') of all, that `state` and `search` fit."""

    sort: str = "start"
    down: bool = True
    after: str = ""
    before: str = ""
    limit: int = USUAL
    state: str = ""
    search: str = ""
    substation_id: str = ""

    @property
    def path(self) -> str:
        """The list of a substation."""
        return "/sessions/open"

    @property
    def start(self) -> str:
        """The cursor at which the page begins."""
        return self.after or self.before

    @property
    def backwards(self) -> bool:
        """Whether substations are asked in the opposite order, to find what comes right before a session."""
        return bool(self.before)

    @property
    def descending(self) -> bool:
        """Whether substations are asked for the highest values first."""
        return self.down != self.backwards

    def parameters(self, cursor: str, limit: int) -> dict[str, str]:
        """Return the parameters of `/sessions/open` for `limit` sessions past `cursor`."""
        wanted = {
            "sort": self.sort,
            "dir": "down" if self.descending else "up",
            "limit": str(limit),
            "state": self.state,
            "search": self.search,
            "after": cursor,
        }
        return {name: value for name, value in wanted.items() if value}

    def read(self, answer: Any, substation_id: str) -> Listing:
        """Read an answer; raises ValueError for what is none."""
        return listing_of(answer, substation_id, self.sort)


def parse(argument: Callable[[str], str]) -> PageQuery:
    """Return the query in the parameters of a request; raises ValueError, which names the parameter."""
    sort = _one_of("sort", argument("sort"), ORDERS)
    after, before = (short(name, argument(name), MOST_CURSOR) for name in ("after", "before"))
    if after and before:
        raise ValueError("send either after or before")
    try:
        limit = integer(1, MOST)(argument("limit") or str(USUAL))
    except ValueError as error:
        raise ValueError(f"limit: {error}") from None
    return PageQuery(
        sort,
        _one_of("dir", argument("dir") or ("down" if sort == "start" else ""), DIRECTIONS) == "down",
        after,
        before,
        limit,
        _one_of("state", argument("state"), STATES),
        short("search", argument("search").strip(), MOST_ID),
        short("substation", argument("substation"), MOST_ID),
    )


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> str:
    if not value:
        return choices[0]
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(filter(None, choices))}")
    return value


def short(name: str, value: str, most: int) -> str:
    """Return a value of at most so many characters; raises ValueError for a longer one."""
    if len(value) > most:
        raise ValueError(f"{name} has at most {most} characters")
    return value
