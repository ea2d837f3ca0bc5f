"""Rings of inhibition: alerts that keep one another quiet, so that nobody would be told of any of them.

Alertmanager tells nobody then. Here the oldest alert of such a ring is told, unless something outside of the ring keeps
one of it quiet as well; the others follow from it. Where rules may form a ring, `bomc config check` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Generic, TypeVar

from alerts.muting.rules import Rule
from alerts.routes.reachability import contradiction, implied

Node = TypeVar("Node", bound=Hashable)


@lru_cache(maxsize=64)
def of_rules(rules: tuple[Rule, ...]) -> tuple[tuple[int, ...], ...]:
    """The numbers (from 0) of rules under which alerts may keep one another quiet round in a ring. Pure.

    One rule alone makes no ring: what is on both of its sides is not inhibited by another such alert.
    """
    at_work = [number for number, rule in enumerate(rules) if idle(rule) is None]
    following = {one: [other for other in at_work if _leads(rules, one, other)] for one in at_work}
    found = [tuple(sorted(each)) for each in components(following, following.__getitem__) if len(each) > 1]
    return tuple(sorted(each for each in found if len(each) > 2 or _may_meet(rules[each[0]], rules[each[1]])))


def idle(rule: Rule) -> str | None:
    """Why a rule can never keep anything quiet, if that is certain. Pure."""
    if all(implied(one, rule.source) for one in rule.target) and all(implied(one, rule.target) for one in rule.source):
        return "both sides are the same, and an alert that matches both is not inhibited by another such one"
    alike = [one for one in (*rule.source, *rule.target) if one.name in rule.equal]
    clash = contradiction(alike)
    if clash is None:
        return None
    return f"cause and effect must have the same {clash[0].name}, and none has both {clash[0]} and {clash[1]}"


def components(nodes: Iterable[Node], following: Callable[[Node], Iterable[Node]]) -> list[list[Node]]:
    """The strongly connected components: all nodes of one reach one another. What they lead to comes before them. Pure."""
    walk = _Walk(following)
    for node in nodes:
        walk.from_(node)
    return walk.found


def _leads(rules: Sequence[Rule], one: int, other: int) -> bool:
    """Whether an alert that one rule keeps quiet may be a cause under the other."""
    first, second = rules[one], rules[other]
    shared = [each for each in first.source if each.name in first.equal]
    shared += [each for each in second.target if each.name in second.equal]
    return one != other and contradiction((*first.target, *second.source, *shared)) is None


def _may_meet(first: Rule, second: Rule) -> bool:
    """Whether two alerts can exist of which each is cause and effect of the other: where they must be alike, both
    satisfy the matchers of both."""
    alike = {*first.equal, *second.equal}
    every = (*first.source, *first.target, *second.source, *second.target)
    return contradiction([each for each in every if each.name in alike]) is None


class _Walk(Generic[Node]):
    """Tarjan's search in depth, without recursion. Source: SIAM Journal on Computing 1 (1972), 146-160."""

    def __init__(self, following: Callable[[Node], Iterable[Node]]) -> None:
        self.following = following
        self.found: list[list[Node]] = []
        self.index: dict[Node, int] = {}
        self.low: dict[Node, int] = {}
        self.waiting: dict[Node, None] = {}  # in the order in which they were entered

    def from_(self, start: Node) -> None:
        """Walk all that can be reached from here and was not walked before."""
        path = [] if start in self.index else [(start, self._enter(start))]
        while path:
            node, rest = path[-1]
            new = next((other for other in rest if not self._known(node, other)), None)
            if new is not None:
                path.append((new, self._enter(new)))
                continue
            path.pop()
            if path:
                above = path[-1][0]
                self.low[above] = min(self.low[above], self.low[node])
            if self.low[node] == self.index[node]:
                self._leave(node)

    def _enter(self, node: Node) -> Iterator[Node]:
        self.index[node] = self.low[node] = len(self.index)
        self.waiting[node] = None
        return iter(self.following(node))

    def _known(self, node: Node, other: Node) -> bool:
        if other in self.waiting:
            self.low[node] = min(self.low[node], self.index[other])
        return other in self.index

    def _leave(self, node: Node) -> None:
        members: list[Node] = []
        while not members or members[-1] != node:
            members.append(self.waiting.popitem()[0])
        self.found.append(members)
