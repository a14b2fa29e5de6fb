"""Reads a JSON object from a request's body: whatever the bytes are, the result is an object or `MalformedJson`.

Pure. Besides malformed JSON these are refused: more than `DEEPEST` levels of nesting, which could exhaust the
parser's stack; NaN and Infinity; a repeated name; and a lone surrogate, which is not text and can't be stored or
sent as UTF-8 (RFC 7493, I-JSON).
"""

import json
import re
from typing import Any

DEEPEST = 32  # levels of nesting; a request of this system has two
LONGEST_FAULT = 200  # characters of the message about a body
TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class MalformedJson(Exception):
    """The body is not a JSON object; the message says why."""


def read_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object in `body`; raises MalformedJson."""
    if _too_deep(body):
        raise MalformedJson(f"the body is nested too deep: at most {DEEPEST} levels are accepted")
    try:
        document = DECODER.decode(body.decode())
        if SURROGATE.search(body):
            json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise MalformedJson("the body is not JSON: it holds a lone surrogate, which is not text") from None
    except (ValueError, RecursionError) as error:
        raise MalformedJson(f"the body is not JSON: {error}"[:LONGEST_FAULT]) from None
    if not isinstance(document, dict):
        raise MalformedJson("the body must be a JSON object")
    return document


def _too_deep(body: bytes) -> bool:
    """Return whether lists and objects are nested too deep; brackets within strings do not count."""
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return False  # the usual body: no scan is needed
    depth = 0
    for token in TOKENS.finditer(body):
        match token[0]:
            case b"[" | b"{":
                depth += 1
            case b"]" | b"}":
                depth -= 1
        if depth > DEEPEST:
            return True
    return False


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a field is given twice")
    return document


# json.loads would make a new one for every text.
DECODER = json.JSONDecoder(parse_constant=_no_constant, object_pairs_hook=_no_doubles)
