"""Who has a page of the console open, and which dialog of an order is open in it.

Pure: time comes as unix seconds. It is known by connection, and forgotten when the connection ends, so it is bounded as the
clients of the stream are.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from admin_ui.web.logins import Login

LONGEST = 200  # characters of the order and of the target of a dialog


class MessageRefused(Exception):
    """A message of a browser can't be used; the text says what is accepted."""


@dataclasses.dataclass(frozen=True, slots=True)
class OpenDialog:
    """A dialog of an order that is open: which order, on what, and since when."""

    order: str
    target: str
    since_unix_s: int


@dataclasses.dataclass(slots=True)
class _Page:
    name: str
    role: str
    since_unix_s: int
    dialog: OpenDialog | None = None


class Presence:
    """The open pages by the key of their connection."""

    def __init__(self) -> None:
        self._pages: dict[object, _Page] = {}

    def opened(self, key: object, login: Login, now_unix_s: float) -> None:
        """Record that somebody has opened a page."""
        self._pages[key] = _Page(login.name, login.role.name.lower(), round(now_unix_s))

    def says(self, key: object, message: Mapping[str, Any], now_unix_s: float) -> None:
        """Record the dialog that a page says it has open: `{"dialog": null or {"order", "target"}}`.

        Raises MessageRefused.
        """
        if key in self._pages:
            self._pages[key].dialog = _dialog(message, now_unix_s)

    def closed(self, key: object) -> None:
        """Forget a page."""
        self._pages.pop(key, None)

    def shown(self) -> dict[str, Any]:
        """Return everybody by name as the stream has it: role, since when, how many pages, and the open dialogs."""
        by_name: dict[str, dict[str, Any]] = {}
        for page in self._pages.values():
            person = by_name.setdefault(
                page.name,
                {
                    "name": page.name,
                    "role": page.role,
                    "since_unix_s": page.since_unix_s,
                    "pages": 0,
                    "dialogs": [],
                },
            )
            person["since_unix_s"] = min(person["since_unix_s"], page.since_unix_s)
            person["pages"] += 1
            if page.dialog:
                person["dialogs"].append(dataclasses.asdict(page.dialog))
        return {"people": [by_name[name] for name in sorted(by_name)]}


def _dialog(message: Mapping[str, Any], now_unix_s: float) -> OpenDialog | None:
    if message.keys() != {"dialog"}:
        raise MessageRefused('a message must be {"dialog": ...}')
    dialog = message["dialog"]
    if dialog is None:
        return None
    if not isinstance(dialog, dict) or dialog.keys() != {"order", "target"}:
        raise MessageRefused('dialog must be null or {"order": ..., "target": ...}')
    if not all(
        isinstance(each, str) and len(each) <= LONGEST and each.isprintable() for each in dialog.values()
    ):
        raise MessageRefused(f"order and target must be printable texts of at most {LONGEST} characters")
    return OpenDialog(dialog["order"], dialog["target"], round(now_unix_s))
