"""Rings in what refers to what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def rings(edges: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """Each ring that a walk depth first closes, as `a -> b -> a` in a tuple; names without edges of their own end a walk."""
    found: list[tuple[str, ...]] = []
    done: set[str] = set()
    for start in edges:
        path = {start: iter(edges[start])} if start not in done else {}
        while path:
            name = next(reversed(path))
            after = next(path[name], None)
            if after is None:
                done.add(name)
                del path[name]
            elif after in path:
                walked = list(path)
                found.append((*walked[walked.index(after) :], after))
            elif after in edges and after not in done:
                path[after] = iter(edges[after])
    return found


def ordered(edges: Mapping[str, Sequence[str]]) -> list[str]:
    """The names, each after all that it refers to; only for edges without a ring."""
    found: dict[str, None] = {}

    def visit(name: str) -> None:
        for before in edges[name]:
            if before in edges and before not in found:
                visit(before)
        found[name] = None

    for name in edges:
        if name not in found:
            visit(name)
    return list(found)
