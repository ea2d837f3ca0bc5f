"""Causes over their symptoms: alerts in the order of a tree, folded under what they follow from, with what mutes them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dash import dcc, html

from alerts.muting.muting import Mute
from dashboards.components.icons import icon
from dashboards.components.words import MUTE, word
from dashboards.locale import Say
from dashboards.queries.causes import Standing
from dashboards.queries.rows import Row
from dashboards.sentences import told

DEEPEST_SHOWN = 3
ICONS = {
    "silence": "bell-off",
    "inhibition": "block",
    "dependency": "tree",
    "maintenance": "wrench",
    "shelved": "shelf",
    "flapping": "wave",
    "interval": "clock",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One alert of the list: how deep it hangs, the ids of all that hangs on it, and whether that is folded away."""

    row: Row
    depth: int = 0
    members: tuple[int, ...] = ()
    folded: bool = False


def arranged(
    rows: Sequence[Row], causes: Mapping[int, int | None], unfolded: Collection[int], *, everything: bool = False
) -> list[Line]:
    """The rows as lines, each cause followed by its symptoms where it is unfolded. Pure.

    Only a cause that is among the rows has symptoms; alerts that would be each other's cause hang on the oldest of them.
    `unfolded` are causes, or alerts whose cause is to be unfolded so that they are seen; `everything` folds nothing.
    """
    by_id = {row["id"]: row for row in rows}
    parent = _without_rings({one: causes.get(one) if causes.get(one) in by_id else None for one in by_id})
    children: dict[int, list[int]] = {}
    for one in by_id:
        cause = parent[one]
        if cause is not None:
            children.setdefault(cause, []).append(one)
    lines: list[Line] = []
    for one in by_id:
        if parent[one] is not None:
            continue
        below = _below(one, children)
        members = tuple(member for member, _depth in below)
        open_here = everything or one in unfolded or any(member in unfolded for member in members)
        lines.append(Line(by_id[one], 0, members, bool(members) and not open_here))
        if open_here:
            lines += [Line(by_id[member], min(depth, DEEPEST_SHOWN)) for member, depth in below]
    return lines


def _without_rings(parent: dict[int, int | None]) -> dict[int, int | None]:
    """The same with one link of every ring cut: that of its oldest alert."""
    done: set[int] = set()
    for start in list(parent):
        path: list[int] = []
        at: int | None = start
        while at is not None and at not in done and at not in path:
            path.append(at)
            at = parent[at]
        if at is not None and at in path:
            parent[min(path[path.index(at) :])] = None
        done.update(path)
    return parent


def _below(root: int, children: Mapping[int, Sequence[int]]) -> list[tuple[int, int]]:
    """All that hangs on an alert, depth first, with its depth."""
    found: list[tuple[int, int]] = []
    waiting = [(one, 1) for one in reversed(children.get(root, ()))]
    while waiting:
        one, depth = waiting.pop()
        found.append((one, depth))
        waiting += [(below, depth + 1) for below in reversed(children.get(one, ()))]
    return found


def decorated(shown: dict[str, Any], line: Line, standing: Standing | None, everything: bool, _: Say) -> dict[str, Any]:
    """A row of the grid with its place in the tree and what mutes it."""
    mutes = standing.mutes if standing is not None else ()
    extra: dict[str, Any] = {
        "depth": line.depth,
        "members": list(line.members),
        "mutes": [
            {"icon": ICONS.get(kind, "quiet"), "word": word(MUTE, kind, _)}
            for kind in dict.fromkeys(one.kind for one in mutes)
        ],
    }
    if line.members:
        count = _.many("one symptom", "{n} symptoms", len(line.members))
        extra["twist"] = {"text": count, "folded": line.folded, "fixed": everything}
    elif standing is not None and standing.cause is not None and line.depth == 0:
        extra["follows"] = _("follows from alert {n}", n=standing.cause)
    return {**shown, "alert": {**shown["alert"], **extra}, "members": list(line.members)}


def mutes_of(mutes: Sequence[Mute], _: Say) -> html.Ul | None:
    """What keeps an alert quiet, each as shape, word and sentence; a silence leads to its page."""
    if not mutes:
        return None
    return html.Ul([html.Li(_mute(one, _), className="mute-line") for one in mutes], className="list mute-list")


def _mute(one: Mute, _: Say) -> list[Any]:
    mark = html.Span([icon(ICONS.get(one.kind, "quiet")), word(MUTE, one.kind, _)], className="mute-mark")
    sentence: Any = told(one.reason, _)
    if one.kind == "silence":
        sentence = dcc.Link(sentence, href=f"/silences?silence={one.by}")
    return [mark, html.Span(sentence)]
