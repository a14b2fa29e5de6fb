"""JSON without NaN and Infinity, in both directions."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.strict_json import decode, encode

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def refuse(constant: str) -> Any:
    raise AssertionError(constant)


@given(VALUES)
def test_no_value_is_written_as_nan_or_infinity(value: Any) -> None:
    assert json.loads(encode(value), parse_constant=refuse) == decode(encode(value))


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_null_and_the_rest_stays(odd: float) -> None:
    assert json.loads(encode({"a": [1.5, odd, (odd, "x")], "b": odd})) == {
        "a": [1.5, None, [None, "x"]],
        "b": None,
    }


def test_it_can_stand_in_a_page() -> None:
    assert "</script>" not in encode("</script>")
    assert json.loads(encode("</script>")) == "</script>"


@pytest.mark.parametrize("text", ["NaN", '{"load_kw": Infinity}', "[-Infinity]", "[" * 100_000, "{", ""])
def test_what_is_no_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not JSON|deep|Expecting"):
        decode(text)
