"""The callers: the format of the file of API keys, and how keys and vehicles of different callers are kept apart.

Pure. A line of the file is `<caller> <sha256 of the key, hex> [requests a minute] [operator]`; `#` begins a comment.
An operator's key, such as the console's, finds and stops the sessions of every caller. A caller may have several
keys, so that one can be replaced without a gap. The idempotency keys and the vehicles of a caller are stored as
`<caller>:<name>`. The name of a caller has no colon, so the names of two callers never collide.

A key is looked up by its digest. That needs no comparison in constant time: an attacker can only measure the
look-up of a guess's digest, which does not show how close the guess was. Keys are random, so a slow hash would
add nothing.
"""

import dataclasses
import hashlib
import re

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
DIGEST = re.compile(r"[0-9a-f]{64}")
OPERATOR = "operator"
PER_MINUTE = range(1, 6_000_001)
BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]{1,256}=*)", re.IGNORECASE)


@dataclasses.dataclass(frozen=True, slots=True)
class Caller:
    """A caller of the API; `per_minute` is its own quota, 0 for the default."""

    name: str
    per_minute: int = 0
    operator: bool = False

    @property
    def reach(self) -> str:
        """Return the caller whose sessions it may look up and stop, '' for all callers."""
        return "" if self.operator else self.name

    @property
    def anonymous(self) -> bool:
        """Whether this is the caller of requests without a key."""
        return self is ANONYMOUS or self == ANONYMOUS

    def key(self, key: str) -> str:
        """Return an Idempotency-Key of this caller as the order book stores it."""
        return f"{self.name}:{key}"

    def vehicle(self, vehicle_id: str) -> str:
        """Return a vehicle of this caller as the grid knows it."""
        return vehicle_id if self.anonymous else f"{self.name}:{vehicle_id}"

    def shown(self, vehicle_id: str) -> str:
        """Return the caller's own name of a vehicle."""
        return vehicle_id if self.anonymous else vehicle_id.removeprefix(f"{self.name}:")


ANONYMOUS = Caller("anonymous")


class UnusableKeys(Exception):
    """The text is not a list of keys; `faults` names every wrong line."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def digest(key: str) -> str:
    """Return the digest of a key, as the file has it."""
    return hashlib.sha256(key.encode()).hexdigest()


def presented(authorization: list[str]) -> str | None:
    """Return the key in the values of the `Authorization` header; None if there is not exactly one."""
    found = BEARER.fullmatch(authorization[0].strip()) if len(authorization) == 1 else None
    return found[1] if found else None


def read(text: str) -> dict[str, Caller]:
    """Return the callers by the digests of their keys; raises UnusableKeys.

    A text without any key is unusable, because a file that is just being written looks like that.
    """
    callers: dict[str, Caller] = {}
    quotas: dict[str, int] = {}
    faults = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if fault := _fault(words) or _conflict(words, callers, quotas):
            faults.append(f"line {number}: {fault}")
            continue
        caller = Caller(words[0], _quota(words), words[-1] == OPERATOR)
        callers[words[1]] = caller
        quotas[caller.name] = caller.per_minute
    if not callers and not faults:
        faults = ["there is no key in it"]
    if faults:
        raise UnusableKeys(faults)
    return callers


def _fault(words: list[str]) -> str:
    more = words[2:-1] if words[-1] == OPERATOR else words[2:]
    if len(words) < 2 or len(more) > 1:
        return f"it must be a caller, the sha256 of a key and, optionally, requests a minute and `{OPERATOR}`"
    if not NAME.fullmatch(words[0]) or words[0] == ANONYMOUS.name:
        return f"a caller is up to 63 of a-z 0-9 . _ -, and not {ANONYMOUS.name}"
    if not DIGEST.fullmatch(words[1]):
        return "the sha256 of a key is 64 of 0-9 a-f"
    if more and not (re.fullmatch("[0-9]{1,7}", more[0]) and int(more[0]) in PER_MINUTE):
        return f"requests a minute are {PER_MINUTE[0]} to {PER_MINUTE[-1]}"
    return ""


def _conflict(words: list[str], callers: dict[str, Caller], quotas: dict[str, int]) -> str:
    if words[1] in callers:
        return "this key came before"
    if quotas.get(words[0], wanted := _quota(words)) != wanted:
        return f"{words[0]} came before with another quota"
    return ""


def _quota(words: list[str]) -> int:
    """Return the requests a minute that a line gives, 0 if it gives none."""
    return int(words[2]) if len(words) > 2 and words[2] != OPERATOR else 0
