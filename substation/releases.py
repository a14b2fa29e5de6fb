"""What the open sessions will free, sorted by time, in a tree whose nodes never change.

Pure. A substation may have hundreds of thousands of releases, and publishes them after each commit. So they are in a
B+ tree: a change makes anew the one leaf that it is in and the few branches above, and shares all else with the tree
before it, which the event loop may still read. A branch has the sum of the watts below each of its nodes, so a sum
over all releases up to a moment looks into one node a level.

Times and watts of the leaves are in arrays: a release takes 24 bytes, where tuples of numbers take 90.
"""

import dataclasses
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from operator import itemgetter
from typing import NamedTuple, Union

from substation.records import Entry

MOST_IN_A_NODE = 48  # Tuples of up to 58 items come from Python's own allocator; copying one with 256 takes ten times as long.
MANY_IN_A_NODE = 36  # when a tree is made at once: room for a few more


class Release(NamedTuple):
    """Watts that a session frees at a grid time; `ends` is the session that ends with it, None for a step of a taper."""

    at_ms: int
    freed_w: int
    ends: Entry | None = None


class Leaf(NamedTuple):
    """Releases in the order of their times, as columns, of which none is ever changed."""

    until_ms: "array[int]"
    freed_w: "array[int]"
    below: tuple[Entry | None, ...]  # the sessions that end

    def with_releases(self, releases: list[Release]) -> list["Node"]:
        """Return this leaf and more releases, in the order of their times; as several leaves when it is too long."""
        until_ms, freed_w, below = self.until_ms[:], self.freed_w[:], list(self.below)
        for release in releases:
            at = bisect_right(until_ms, release.at_ms)
            until_ms.insert(at, release.at_ms)
            freed_w.insert(at, release.freed_w)
            below.insert(at, release.ends)
        return [Leaf(until_ms[part], freed_w[part], tuple(below[part])) for part in _parts(len(below))]

    def without(self, release: Release) -> list["Node"] | None:
        """Return this leaf without a release, [] if that was its last one; None if it is not there."""
        first, end = bisect_left(self.until_ms, release.at_ms), bisect_right(self.until_ms, release.at_ms)
        for at in range(first, end):
            if identity(Release(release.at_ms, self.freed_w[at], self.below[at])) == identity(release):
                until_ms = self.until_ms[:at] + self.until_ms[at + 1 :]
                freed_w = self.freed_w[:at] + self.freed_w[at + 1 :]
                below = self.below[:at] + self.below[at + 1 :]
                return [Leaf(until_ms, freed_w, below)] if below else []
        return None

    def after(self, moment_ms: int) -> "Leaf":
        """Return this leaf without the releases up to a grid time."""
        due = bisect_right(self.until_ms, moment_ms)
        return Leaf(self.until_ms[due:], self.freed_w[due:], self.below[due:])

    def releases(self) -> Iterator[Release]:
        """Yield the releases in the order of their times."""
        return map(Release, self.until_ms, self.freed_w, self.below)

    def sessions(self) -> Iterator[Entry]:
        """Yield the sessions that end with a release."""
        return filter(None, self.below)

    def watts(self) -> Iterator[int]:
        """Yield the watts of each release."""
        return iter(self.freed_w)

    def freed_by_each(self, moments_ms: Sequence[float]) -> list[int]:
        """Return the watts freed up to each of several grid times, which come in their order."""
        if len(moments_ms) == 1:  # nothing to share
            return [sum(self.freed_w[: bisect_right(self.until_ms, moments_ms[0])])]
        freed_w = (0, *accumulate(self.freed_w))
        return [freed_w[bisect_right(self.until_ms, moment_ms)] for moment_ms in moments_ms]


class Branch(NamedTuple):
    """Nodes in the order of their times: the time of the last release and the sum of the watts in each."""

    until_ms: tuple[int, ...]
    freed_w: tuple[int, ...]
    below: tuple["Node", ...]

    @classmethod
    def of(cls, nodes: list["Node"]) -> "Branch":
        """Make a branch of nodes."""
        until_ms = tuple(node.until_ms[-1] for node in nodes)
        return cls(until_ms, tuple(sum(node.freed_w) for node in nodes), tuple(nodes))

    def with_releases(self, releases: list[Release]) -> list["Node"]:
        """Return this branch and more releases, in the order of their times; as several branches when it is too long."""
        until_ms, freed_w, below = list(self.until_ms), list(self.freed_w), list(self.below)
        end = len(releases)
        while end:  # from right to left, so that the places of the nodes before stay the same
            at = min(bisect_right(self.until_ms, releases[end - 1].at_ms), len(self.below) - 1)
            start = bisect_left(releases, self.until_ms[at - 1], 0, end, key=_time) if at else 0
            nodes = self.below[at].with_releases(releases[start:end])
            until_ms[at : at + 1] = [node.until_ms[-1] for node in nodes]
            freed_w[at : at + 1] = [sum(node.freed_w) for node in nodes]
            below[at : at + 1] = nodes
            end = start
        return [
            Branch(tuple(until_ms[part]), tuple(freed_w[part]), tuple(below[part]))
            for part in _parts(len(below))
        ]

    def without(self, release: Release) -> list["Node"] | None:
        """Return this branch without a release, [] if that was its last one; None if it is not there.

        Short nodes are not joined: they go with time, which passes from left to right.
        """
        for at in range(bisect_left(self.until_ms, release.at_ms), len(self.below)):
            if at and self.until_ms[at - 1] > release.at_ms:
                break  # what is here comes later
            if (nodes := self.below[at].without(release)) is not None:
                branch = self._with(at, nodes)
                return [branch] if branch.below else []
        return None

    def after(self, moment_ms: int) -> "Node":
        """Return a node of what is left when the releases up to a grid time are gone."""
        at = bisect_right(self.until_ms, moment_ms)
        if at == len(self.below):
            return NOTHING
        left = Branch(self.until_ms[at:], self.freed_w[at:], self.below[at:])
        return left._with(0, [left.below[0].after(moment_ms)])

    def releases(self) -> Iterator[Release]:
        """Yield the releases in the order of their times."""
        for node in self.below:
            yield from node.releases()

    def sessions(self) -> Iterator[Entry]:
        """Yield the sessions that end with a release."""
        for node in self.below:
            yield from node.sessions()

    def watts(self) -> Iterator[int]:
        """Yield the watts of each release."""
        for node in self.below:
            yield from node.watts()

    def freed_by_each(self, moments_ms: Sequence[float]) -> list[int]:
        """Return the watts freed up to each of several grid times, which come in their order.

        Each node is looked into once, with all the times that fall into it.
        """
        freed_w = (0, *accumulate(self.freed_w))
        found: list[int] = []
        while len(found) < len(moments_ms):
            at = bisect_right(self.until_ms, moments_ms[len(found)])
            if at == len(self.below):  # all is freed by then
                return found + [freed_w[at]] * (len(moments_ms) - len(found))
            end = bisect_left(moments_ms, self.until_ms[at], len(found))
            inside = self.below[at].freed_by_each(moments_ms[len(found) : end])
            found.extend(freed_w[at] + each for each in inside)
        return found

    def _with(self, at: int, nodes: list["Node"]) -> "Branch":
        """Return this branch with other nodes in the place of one."""
        return Branch(
            (*self.until_ms[:at], *[node.until_ms[-1] for node in nodes], *self.until_ms[at + 1 :]),
            (*self.freed_w[:at], *[sum(node.freed_w) for node in nodes], *self.freed_w[at + 1 :]),
            (*self.below[:at], *nodes, *self.below[at + 1 :]),
        )


Node = Union[Leaf, Branch]  # noqa: UP007 - the classes above name it before it is there
NOTHING = Leaf(array("q"), array("q"), ())


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Releases:
    """Releases in the order of their times; a change returns others, and leaves these as they are."""

    root: Node = NOTHING

    @classmethod
    def of(cls, releases: Iterable[tuple[int, int, Entry | None]]) -> "Releases":
        """Return these releases (`Release` or the same as plain tuples), in any order; much faster than one by one."""
        until_ms, freed_w, below = array("q"), array("q"), []
        for at_ms, watts, ends in releases:
            until_ms.append(at_ms)
            freed_w.append(watts)
            below.append(ends)
        if not below:
            return cls(NOTHING)
        ordered = sorted(range(len(below)), key=until_ms.__getitem__)
        nodes: list[Node] = [
            Leaf(
                array("q", [until_ms[at] for at in ordered[part]]),
                array("q", [freed_w[at] for at in ordered[part]]),
                tuple([below[at] for at in ordered[part]]),
            )
            for part in _parts(len(ordered))
        ]
        while len(nodes) > 1:
            nodes = [Branch.of(nodes[part]) for part in _parts(len(nodes))]
        return cls(nodes[0])

    def __iter__(self) -> Iterator[Release]:
        """Yield the releases in the order of their times."""
        return self.root.releases()

    def __eq__(self, other: object) -> bool:
        """Whether the same is freed at the same times, in whatever nodes."""
        return isinstance(other, Releases) and sorted(map(identity, self)) == sorted(map(identity, other))

    __hash__ = None  # type: ignore[assignment]

    def with_releases(self, releases: Iterable[Release]) -> "Releases":
        """Return these releases and more. Together they cost less than one by one: each node is made anew once."""
        nodes = self.root.with_releases(sorted(releases, key=_time))
        while len(nodes) > 1:
            nodes = [Branch.of(nodes[part]) for part in _parts(len(nodes))]
        return Releases(nodes[0])

    def without(self, release: Release) -> "Releases | None":
        """Return these releases without one, None if it is not there.

        Of several that free the same watts at the same time, and end no session, it doesn't matter which.
        """
        nodes = self.root.without(release)
        return None if nodes is None else Releases(_lowered(nodes[0] if nodes else NOTHING))

    def after(self, moment_ms: int) -> "Releases":
        """Return the releases after a grid time."""
        return Releases(_lowered(self.root.after(moment_ms)))

    def due(self, moment_ms: float) -> Iterator[Release]:
        """Yield the releases up to a grid time, the time itself included."""
        for release in self:
            if release.at_ms > moment_ms:
                return
            yield release

    def freed_by(self, moment_ms: float) -> int:
        """Return the watts freed up to a grid time, the time itself included."""
        freed_w, node = 0, self.root
        while True:
            due = bisect_right(node.until_ms, moment_ms)
            freed_w += sum(node.freed_w[:due])
            if isinstance(node, Leaf) or due == len(node.below):
                return freed_w
            node = node.below[due]

    def freed_by_each(self, moments_ms: Sequence[float]) -> list[int]:
        """Return the watts freed up to each of several grid times, which come in their order."""
        return self.root.freed_by_each(moments_ms)

    def sessions(self) -> Iterator[Entry]:
        """Yield the sessions that have not ended, in the order of their ends."""
        return self.root.sessions()

    def total_w(self) -> int:
        """Return the watts of all, added up one by one: the sums in the branches are not relied on."""
        return sum(self.root.watts())


def identity(release: Release) -> tuple[int, int, str]:
    """Return what makes two releases the same."""
    return release.at_ms, release.freed_w, release.ends.session_id if release.ends else ""


_time = itemgetter(0)  # of a release


def _parts(length: int) -> list[slice]:
    """Return the parts of equal length that a node is made into: one, unless it is too long."""
    if length <= MOST_IN_A_NODE:
        return [slice(0, length)]
    count = -(-length // MANY_IN_A_NODE)
    return [slice(length * part // count, length * (part + 1) // count) for part in range(count)]


def _lowered(root: Node) -> Node:
    """Return a root without branches that have one node."""
    while isinstance(root, Branch) and len(root.below) == 1:
        root = root.below[0]
    return root
