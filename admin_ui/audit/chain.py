"""The entries of the audit log, and the chain of hashes that shows when an entry was changed or removed.

Pure: time comes as unix milliseconds. Rules:

- an entry is never changed: the result of an action is an entry of its own, which names the entry of the action;
- entries are numbered 1, 2, 3, ... without a gap, and the hash of each entry covers the hash of the one before;
- a chain whose end was cut off is consistent in itself, so its last hash must be known from elsewhere. Therefore the
  console logs the hash of every entry that it writes.
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
    """The result of an action."""

    DONE = "done"  # the grid has confirmed it
    REFUSED = "refused"  # it was certainly not carried out
    FAILED = "failed"  # an error; the details say how far it got
    UNCONFIRMED = "unconfirmed"  # sent, but the grid has not confirmed it in time


UNDER_WAY = "under way"  # this console is carrying it out
UNKNOWN = "unknown"  # a console ended between the action and its result


@dataclasses.dataclass(frozen=True, slots=True)
class EntryDraft:
    """An entry without a number; `of` is the number of the entry whose result this is, `details` is JSON."""

    at_unix_ms: int
    who: str
    action: str
    target: str
    reason: str
    outcome: str | None
    details: str
    of: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Entry(EntryDraft):
    """An entry of the chain, with its number and hash."""

    number: int = 0
    hash: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class ChainHead:
    """The head of a chain: the number and the hash of its last entry."""

    number: int = 0
    hash: str = BEFORE_THE_FIRST


class BrokenChain(Exception):
    """An entry was changed, removed or inserted; the message says which."""


def draft_entry(
    at_unix_ms: int,
    texts: dict[str, str],
    details: dict[str, object],
    outcome: AuditOutcome | None = None,
    of: int | None = None,
) -> EntryDraft:
    """Return the draft of an entry: `texts` (who, action, target, reason) are clipped, details become JSON.

    `outcome` is None for an action that begins; `of` is the number of the entry whose result this is.
    """
    document = json.dumps(details, ensure_ascii=False, sort_keys=True)
    if len(document) > MOST_CHARACTERS:
        document = json.dumps({"clipped": document[:MOST_CHARACTERS]}, ensure_ascii=False)
    who, action, target, reason = (_clipped(texts[name]) for name in ("who", "action", "target", "reason"))
    result = None if outcome is None else str(outcome)
    return EntryDraft(at_unix_ms, who, action, target, reason, result, document, of)


def chain_entry(draft: EntryDraft, head: ChainHead) -> Entry:
    """Return the draft as the entry that follows `head`."""
    values = {field.name: getattr(draft, field.name) for field in dataclasses.fields(EntryDraft)}
    number = head.number + 1
    return Entry(**values, number=number, hash=_hash(draft, number, head.hash))


def follow_chain(entries: Iterable[Entry], head: ChainHead) -> ChainHead:
    """Return the head of the chain after `entries`, which must follow `head`; raises BrokenChain."""
    for entry in entries:
        if entry.number != head.number + 1:
            raise BrokenChain(f"entry {head.number + 1} is missing: {entry.number} follows {head.number}")
        if entry.hash != _hash(entry, entry.number, head.hash):
            raise BrokenChain(f"entry {entry.number} is not as it was written, or the one before it is not")
        head = ChainHead(entry.number, entry.hash)
    return head


def cell(value: object) -> str:
    """Return a value as a CSV cell that no spreadsheet takes for a formula."""
    return inert("" if value is None else str(value))


def _hash(draft: EntryDraft, number: int, before: str) -> str:
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
