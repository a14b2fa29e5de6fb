"""Reading a JSON object: any bytes become one or are refused, and what is read can be written and sent on."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runtime.body_limit import BODY_BYTES
from runtime.json_body import DEEPEST, LONGEST_FAULT, MalformedJson, read_object

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)
PIECES = st.sampled_from(
    [
        "[",
        "]",
        "{",
        "}",
        '"',
        "\\",
        ":",
        ",",
        "1",
        "-",
        "e9",
        "NaN",
        "Infinity",
        "null",
        "\\ud800",
        "\\udc00",
        "\\u0000",
        "a",
        " ",
    ]
)


def nested(levels: int, body: str = "1") -> bytes:
    """An object in which a list is nested, `levels` in all."""
    return ('{"a":' + "[" * (levels - 1) + body + "]" * (levels - 1) + "}").encode()


@given(body=st.binary() | st.lists(PIECES, max_size=40).map(lambda pieces: "".join(pieces).encode()))
@example(body=b"[" * BODY_BYTES)
@example(body=b'{"a":' * (BODY_BYTES // 5))
@example(body=b'{"a":' * 10_000 + b"1" + b"}" * 10_000)
@example(body=b"1" * 5000)
@example(body=b'{"a": ' + b"9" * 5000 + b"}")
@example(body=b'{"a": 1e999}')
@example(body=b'"\\ud800"')
@example(body=b'{"\\ud800": 1}')
@example(body=b"\xff\xfe{\x00}\x00")
def test_any_bytes_are_an_object_that_can_be_sent_on_or_malformed(body: bytes) -> None:
    document, said = {}, "-"
    try:
        document = read_object(body)
    except MalformedJson as malformed:
        said = str(malformed)
    assert isinstance(document, dict)
    json.dumps(document, ensure_ascii=False).encode()
    assert 0 < len(said) <= LONGEST_FAULT


@given(document=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON))
@example(document={"a": "[" * 100})
@example(document={"a": '"' * 10 + "[" * 100 + "\\"})
@example(document={"a": [[]] * 1000})
@example(document={"a": "\0"})
@example(document={"a": "\U0001f697"})
def test_every_object_that_is_not_deep_is_read_as_it_is(document: dict[str, Any]) -> None:
    for ensure_ascii in (True, False):
        assert read_object(json.dumps(document, ensure_ascii=ensure_ascii).encode()) == document


@pytest.mark.parametrize("levels", [DEEPEST + 1, 100, 900, 990, 1000, 20_000])
def test_a_body_that_is_nested_too_deep_is_refused_before_it_is_parsed(levels: int) -> None:
    assert read_object(nested(DEEPEST))
    with pytest.raises(MalformedJson, match="nested too deep"):
        read_object(nested(levels))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"a": NaN}', "NaN is not"),
        (b'{"a": -Infinity}', "-Infinity is not"),
        (b'{"a": 1, "a": 2}', "given twice"),
        (b'{"a": 1, "\\u0061": 2}', "given twice"),
        (b'{"a": "\\uD83D"}', "surrogate"),
        (b"[]", "must be a JSON object"),
        (b"", "not JSON"),
        (b'{"a": "caf\xe9"}', "not JSON"),
    ],
)
def test_what_is_wrong_with_a_body_is_said(body: bytes, says: str) -> None:
    with pytest.raises(MalformedJson, match=says):
        read_object(body)


def test_a_pair_of_surrogates_is_one_character() -> None:
    assert read_object(b'{"a": "\\ud83d\\ude97"}') == {"a": "\U0001f697"}
