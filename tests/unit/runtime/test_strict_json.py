"""What is written is JSON by RFC 8259 for every reader."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.strict_json import encode

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def refuse(constant: str) -> Any:
    raise AssertionError(constant)


@given(VALUES)
def test_no_value_is_written_as_nan_or_infinity(value: Any) -> None:
    json.loads(encode(value), parse_constant=refuse)


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_null_and_the_rest_stays(odd: float) -> None:
    assert json.loads(encode({"a": [1.5, odd, (odd, "x")], "b": odd})) == {
        "a": [1.5, None, [None, "x"]],
        "b": None,
    }


def test_it_can_stand_in_a_page() -> None:
    assert "</script>" not in encode("</script>")
    assert json.loads(encode("</script>")) == "</script>"
