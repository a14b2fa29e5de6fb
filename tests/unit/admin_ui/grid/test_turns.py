"""A large fleet is asked in turns, and nobody is forgotten when it changes."""

from hypothesis import given
from hypothesis import strategies as st

from admin_ui.grid.turns import Turns


def test_each_comes_once_before_any_comes_again() -> None:
    names = [f"s-{number:02}" for number in range(45)]
    turns = Turns(20)
    asked = [turns.next_of(names) for _ in range(4)]
    assert [len(each) for each in asked] == [20, 20, 5, 20]
    assert sorted(name for each in asked[:3] for name in each) == names


@given(st.lists(st.sets(st.integers(0, 9).map(str), min_size=1), min_size=1), st.integers(1, 4))
def test_whoever_is_there_comes_soon_however_the_others_change(fleets: list[set[str]], most: int) -> None:
    turns = Turns(most)
    for present in fleets:
        chosen = turns.next_of(present)
        assert 0 < len(chosen) <= most
        assert set(chosen) <= present
    asked = [name for _ in range(2 * 10) for name in turns.next_of(fleets[-1])]
    assert set(asked) == fleets[-1]
