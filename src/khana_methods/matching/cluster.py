"""From pairs to people: clusters that hold together without chains of weak links.

Strong pairs join first. Two clusters join only if every record of one is at least a plausible match of every
record of the other, if no pair of them contradicts, and if no household would hold one person twice. What
is refused is named, so that a steward can look: it is never joined silently.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Edge:
    """One weighed pair of records."""

    left: int
    right: int
    weight: float
    is_link: bool
    contradicts: bool = False


@dataclass
class Clusters:
    """Records by cluster; `refused` are links that would have made a chain, a contradiction, or a double in a household."""

    of: dict[int, int] = field(default_factory=dict)
    members: dict[int, set[int]] = field(default_factory=dict)
    refused: list[Edge] = field(default_factory=list)

    def pairs(self) -> set[tuple[int, int]]:
        """Return every pair of records of one cluster, smaller id first."""
        return {(a, b) for group in self.members.values() for a in group for b in group if a < b}


def cluster(edges: Iterable[Edge], household_of: Mapping[int, str]) -> Clusters:
    """Group records into people.

    Args:
        edges: Pairs from the review threshold up.
        household_of: Household of each record; '' without one.

    Returns:
        Clusters of two and more, named by their smallest record.

    Examples:
        >>> strong = [Edge(1, 2, 20.0, True), Edge(2, 3, 15.0, True)]
        >>> sorted(cluster(strong, {}).members[1])
        [1, 2]
        >>> whole = cluster([*strong, Edge(1, 3, 2.0, False)], {})
        >>> sorted(whole.members[1]), whole.refused
        ([1, 2, 3], [])
    """
    known = sorted(edges, key=lambda edge: (-edge.weight, edge.left, edge.right))
    plausible = {(min(e.left, e.right), max(e.left, e.right)) for e in known if not e.contradicts}
    found = Clusters()
    for edge in known:
        if not edge.is_link or edge.contradicts:
            continue
        left = found.of.get(edge.left, edge.left)
        right = found.of.get(edge.right, edge.right)
        if left == right:
            continue
        group_left = found.members.get(left, {edge.left})
        group_right = found.members.get(right, {edge.right})
        if not _may_join(group_left, group_right, plausible, household_of):
            found.refused.append(edge)
            continue
        joined = group_left | group_right
        name = min(joined)
        for old in (left, right):
            found.members.pop(old, None)
        found.members[name] = joined
        for record in joined:
            found.of[record] = name
    return found


def fewest_questions(
    pairs: Iterable[tuple[int, int]], of: Mapping[int, int], apart: Iterable[tuple[int, int]] = ()
) -> list[tuple[int, int]]:
    """Choose the pairs to ask of, so that a yes to each would join what a yes to all of them would join.

    Args:
        pairs: Unsure pairs, the likeliest first.
        of: The group of each record that is surely one person with others; a record that is not named stands alone.
        apart: Pairs of which somebody said that they are two people; nothing is asked again of their groups.

    Returns:
        A spanning forest of the groups, in the order given: of n groups that may be one person at most n - 1 pairs.

    Source:
        Kruskal (1956), on the shortest spanning subtree of a graph.

    Examples:
        >>> fewest_questions([(1, 2), (2, 3), (1, 3)], {})
        [(1, 2), (2, 3)]
        >>> fewest_questions([(1, 2), (2, 3), (1, 3)], {1: 1, 2: 1}), fewest_questions([(2, 3)], {1: 1, 2: 1}, [(3, 1)])
        ([(2, 3)], [])
    """
    said = {frozenset((of.get(one, one), of.get(other, other))) for one, other in apart}
    above: dict[int, int] = {}

    def top(record: int) -> int:
        while record in above:
            above[record] = above.get(above[record], above[record])
            record = above[record]
        return record

    chosen = []
    for left, right in pairs:
        one, other = of.get(left, left), of.get(right, right)
        if frozenset((one, other)) in said or top(one) == top(other):
            continue
        above[top(one)] = top(other)
        chosen.append((left, right))
    return chosen


def _may_join(
    left: set[int], right: set[int], plausible: set[tuple[int, int]], household_of: Mapping[int, str]
) -> bool:
    homes_left = {household_of.get(record, "") for record in left} - {""}
    homes_right = {household_of.get(record, "") for record in right} - {""}
    if homes_left & homes_right:
        return False
    return all((min(a, b), max(a, b)) in plausible for a in left for b in right)
