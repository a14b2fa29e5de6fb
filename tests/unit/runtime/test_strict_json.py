"""JSON without NaN and Infinity, in both directions."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import strict_json

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
)


@given(JSON)
def test_what_is_written_can_be_read_or_it_is_not_written(value: object) -> None:
    try:
        text = strict_json.encode(value)
    except ValueError:
        assert any(word in json.dumps(value) for word in ("NaN", "Infinity"))
        return
    assert "</" not in text
    assert strict_json.decode(text) == value


@pytest.mark.parametrize("text", ["NaN", '{"load_kw": Infinity}', "[-Infinity]", "[" * 100_000, "{", ""])
def test_what_is_no_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not JSON|deep|Expecting"):
        strict_json.decode(text)


def test_a_number_that_is_none_is_never_sent() -> None:
    for value in (math.inf, -math.inf, math.nan):
        with pytest.raises(ValueError, match="JSON compliant"):
            strict_json.encode({"utilization": value})
