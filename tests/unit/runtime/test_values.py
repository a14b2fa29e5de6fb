"""Values are frozen dataclasses in all but the cost of making one."""

import dataclasses
from typing import TYPE_CHECKING

import pytest

from runtime.values import value


@value(frozen=True, slots=True)
class Size:
    """A value with what the dataclasses of the hot path have."""

    width: int
    height: int = 1
    area: int = dataclasses.field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "area", self.width * self.height)


if TYPE_CHECKING:  # mypy reports an ignore that it does not need
    Size(1).width = 2  # type: ignore[misc]


def test_equal_values_are_equal_and_have_one_hash() -> None:
    assert Size(2, 3) == Size(2, height=3) != Size(3, 2)
    assert len({Size(2, 3), Size(2, 3), Size(3, 2)}) == 2


def test_a_value_is_replaced_and_read_as_a_dataclass() -> None:
    assert dataclasses.replace(Size(2, 3), width=4).area == 12
    assert dataclasses.asdict(Size(2)) == {"width": 2, "height": 1, "area": 2}
    assert repr(Size(2)) == "Size(width=2, height=1, area=2)"


def test_a_value_has_no_attribute_that_it_does_not_declare() -> None:
    with pytest.raises(AttributeError):
        Size(1).depth = 2  # type: ignore[attr-defined]


def test_no_field_is_set_by_a_call() -> None:
    assert "__setattr__" not in vars(Size)
    assert Size.__init__.__code__.co_names == ("width", "height", "__post_init__")
