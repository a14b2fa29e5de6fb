"""The entries of the audit log, and the chain of hashes that shows when one was changed or taken out.

Pure: time comes as unix milliseconds. Rules:

- an entry is never changed: what came of an action is an entry of its own, which names the first;
- entries are numbered 1, 2, 3, ... without a gap, and the hash of each covers the hash of the one before;
- a chain whose end was cut off is whole in itself: its last hash must be known from elsewhere, which is
  why the console logs the hash of every entry that it writes.
"""

import dataclasses
import enum
import hashlib
import json
from collections.abc import Iterable

from runtime.csv_text import inert

MOST_CHARACTERS = 2000  # of one text: an entry must not be a way to fill the disk
BEFORE_THE_FIRST = ""


class AuditOutcome(enum.StrEnum):
    """What came of an action."""

    DONE = "done"  # the grid has confirmed it
    REFUSED = "refused"  # it was not done, and that is certain
    FAILED = "failed"  # an error; what was done of it is in the details
    UNCONFIRMED = "unconfirmed"  # sent, but the grid has not confirmed it in time


UNDER_WAY = "under way"  # this console is at it
UNKNOWN = "unknown"  # a console ended between the action and its result


@dataclasses.dataclass(frozen=True, slots=True)
class Draft:
    """An entry that has no number yet; `of` is the entry whose result this is, `details` is JSON."""

    at_unix_ms: int
    who: str
    action: str
    target: str
    reason: str
    outcome: str | None
    details: str
    of: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Entry(Draft):
    """A written entry."""

    number: int = 0
    hash: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: the number and hash of its last entry."""

    number: int = 0
    hash: str = BEFORE_THE_FIRST


class BrokenChain(Exception):
    """An entry was changed, taken out or put in; the message says where."""


def drafted(at_unix_ms: int, texts: dict[str, str], details: dict[str, object], **more: object) -> Draft:
    """Return a draft of `texts` (who, action, target, reason), clipped; details are written as JSON."""
    clipped = {name: _clipped(text) for name, text in texts.items()}
    told = json.dumps(details, ensure_ascii=False, sort_keys=True)
    if len(told) > MOST_CHARACTERS:
        told = json.dumps({"clipped": told[:MOST_CHARACTERS]}, ensure_ascii=False)
    return Draft(at_unix_ms=at_unix_ms, details=told, **{"outcome": None, "of": None} | clipped | more)  # type: ignore[arg-type]


def chained(draft: Draft, head: Head) -> Entry:
    """Return the draft as the entry after `head`."""
    values = {field.name: getattr(draft, field.name) for field in dataclasses.fields(Draft)}
    number = head.number + 1
    return Entry(**values, number=number, hash=_hash(draft, number, head.hash))


def followed(entries: Iterable[Entry], head: Head) -> Head:
    """Return the end of a chain that goes from `head` through `entries`; raises BrokenChain."""
    for entry in entries:
        if entry.number != head.number + 1:
            raise BrokenChain(f"entry {head.number + 1} is missing: {entry.number} follows {head.number}")
        if entry.hash != _hash(entry, entry.number, head.hash):
            raise BrokenChain(f"entry {entry.number} is not as it was written, or the one before it is not")
        head = Head(entry.number, entry.hash)
    return head


def cell(value: object) -> str:
    """Return a value as a cell of CSV that no spreadsheet takes for a formula."""
    return inert("" if value is None else str(value))


def _hash(draft: Draft, number: int, before: str) -> str:
    parts = [
        before,
        number,
        draft.at_unix_ms,
        draft.of,
        draft.who,
        draft.action,
        draft.target,
        draft.reason,
        draft.outcome,
        draft.details,
    ]
    return hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()


def _clipped(text: str) -> str:
    whole = text.encode("utf-8", "replace").decode()  # a lone surrogate can't be stored
    return whole if len(whole) <= MOST_CHARACTERS else whole[: MOST_CHARACTERS - 1] + "…"
