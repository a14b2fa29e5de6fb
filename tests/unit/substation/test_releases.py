"""The tree of releases against a sorted list, and how little of it a change makes anew."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from substation import releases as tree
from substation.releases import Branch, Node, Release, Releases, identity
from tests.support.sessions import entry, place

SESSIONS = [entry(place(key)) for key in "abc"]
RELEASES = st.builds(
    Release, st.integers(0, 30), st.integers(1, 3), st.none() | st.none() | st.sampled_from(SESSIONS)
)
CHANGES = st.lists(st.tuples(st.sampled_from(["add", "add", "add", "remove", "pass"]), RELEASES), max_size=60)


@pytest.fixture(scope="module", autouse=True)
def small_nodes() -> Iterator[None]:
    """So that a short list makes a tree of several levels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tree, "MOST_IN_A_NODE", 4)
        patch.setattr(tree, "MANY_IN_A_NODE", 3)
        yield


def changed(releases: Releases, plain: list[Release], change: str, release: Release) -> Releases:
    """Make a change to the tree, and the same one to a plain list."""
    if change == "add":
        plain.append(release)
        return releases.with_releases([release])
    if change == "remove":
        same = [each for each in plain if identity(each) == identity(release)]
        left = releases.without(release)
        assert (left is not None) == bool(same)
        if same:
            plain.remove(same[0])
        return releases if left is None else left
    plain[:] = [each for each in plain if each.at_ms > release.at_ms]
    return releases.after(release.at_ms)


def contents(releases: Releases) -> list[tuple[int, int, str]]:
    found = list(releases)
    assert [each.at_ms for each in found] == sorted(each.at_ms for each in found)
    return sorted(map(identity, found))


def check_node(node: Node) -> None:
    """Every branch knows the last time and the sum of each of its nodes; none is empty."""
    assert 0 < len(node.below) <= tree.MOST_IN_A_NODE
    if isinstance(node, Branch):
        for until_ms, freed_w, below in zip(*node, strict=True):
            assert until_ms == below.until_ms[-1]
            assert freed_w == sum(below.freed_w)
            check_node(below)


@given(changes=CHANGES)
def test_it_holds_what_a_sorted_list_holds_after_every_change(changes: list[tuple[str, Release]]) -> None:
    releases, plain = Releases(), list[Release]()
    for change, release in changes:
        releases = changed(releases, plain, change, release)
        assert contents(releases) == sorted(map(identity, plain))
        if plain:
            check_node(releases.root)


MOMENTS = st.integers(-1, 31) | st.floats(-1, 31) | st.just(float("inf"))


@given(changes=CHANGES, moments=st.lists(MOMENTS).map(sorted))
def test_sums_for_many_times_are_those_for_each_time_alone(
    changes: list[tuple[str, Release]], moments: list[float]
) -> None:
    releases, plain = Releases(), list[Release]()
    for change, release in changes:
        releases = changed(releases, plain, change, release)
    assert releases.freed_by_each(moments) == [releases.freed_by(moment) for moment in moments]


@given(changes=CHANGES, moment=MOMENTS)
def test_sums_are_those_of_a_look_at_every_release(changes: list[tuple[str, Release]], moment: float) -> None:
    releases, plain = Releases(), list[Release]()
    for change, release in changes:
        releases = changed(releases, plain, change, release)
    due = [each for each in plain if each.at_ms <= moment]
    assert releases.freed_by(moment) == sum(each.freed_w for each in due)
    assert sorted(map(identity, releases.due(moment))) == sorted(map(identity, due))
    assert sorted(each.session_id for each in releases.sessions()) == sorted(
        each.ends.session_id for each in plain if each.ends
    )


@given(changes=CHANGES, later=CHANGES)
def test_what_was_published_stays_as_it_was(
    changes: list[tuple[str, Release]], later: list[tuple[str, Release]]
) -> None:
    releases, plain = Releases(), list[Release]()
    for change, release in changes:
        releases = changed(releases, plain, change, release)
    published, before = releases, contents(releases)
    for change, release in later:
        releases = changed(releases, plain, change, release)
    assert contents(published) == before


@given(made=st.lists(RELEASES, max_size=60), changes=CHANGES)
def test_a_tree_that_is_made_at_once_is_like_one_that_grew(
    made: list[Release], changes: list[tuple[str, Release]]
) -> None:
    releases, plain = Releases.of(made), list(made)
    assert contents(releases) == sorted(map(identity, plain))
    for change, release in changes:
        releases = changed(releases, plain, change, release)
    assert contents(releases) == sorted(map(identity, plain))
    assert releases.total_w() == sum(each.freed_w for each in plain)
    if plain:
        check_node(releases.root)


@given(made=st.lists(RELEASES, max_size=60), batches=st.lists(st.lists(RELEASES, max_size=40), max_size=4))
def test_releases_that_come_together_are_all_there(made: list[Release], batches: list[list[Release]]) -> None:
    releases, plain = Releases.of(made), list(made)
    for batch in batches:
        releases = releases.with_releases(batch)
        plain += batch
        assert contents(releases) == sorted(map(identity, plain))
        if plain:
            check_node(releases.root)


@given(order=st.permutations([Release(at_ms, 1) for at_ms in range(30)]))
def test_trees_are_equal_when_the_same_is_freed_at_the_same_times(order: list[Release]) -> None:
    rising, any_order = Releases(), Releases()
    for at_ms, release in enumerate(order):
        rising, any_order = rising.with_releases([Release(at_ms, 1)]), any_order.with_releases([release])
    assert rising == any_order
    assert rising != any_order.after(0)


def test_a_change_makes_a_node_a_level_anew_however_many_releases_there_are() -> None:
    releases = Releases()
    for at_ms in range(3000):
        releases = releases.with_releases([Release(at_ms * 7 % 3000, 1)])
    shared = {id(node) for node in nodes(releases.root)}
    for later in (releases.with_releases([Release(1500, 1)]), releases.without(Release(1500, 1))):
        assert later
        anew = [node for node in nodes(later.root) if id(node) not in shared]
        assert len(anew) <= 2 * levels(later.root) <= 24


def nodes(node: Node) -> Iterator[Node]:
    yield node
    if isinstance(node, Branch):
        for below in node.below:
            yield from nodes(below)


def levels(node: Node) -> int:
    return 1 + levels(node.below[0]) if isinstance(node, Branch) else 1
