"""The open things of a handover as people call them: a job by the title of its plan, a run and a file by their control's.

A handover keeps the names that were in force when it was frozen, so that its checksum holds; a page shows titles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dashboards.context import Console
from dashboards.controls import titles
from dashboards.locale import Say
from dashboards.queries.rows import Row

Items = Mapping[str, Sequence[Row]]


def by_title(console: Console, found: Items, _: Say) -> dict[str, list[Row]]:
    """The same items, by section or by what became of them, with titles instead of names where somebody gave one."""
    plans = {plan.name: plan.title.called(_.language) for plan in console.plans.plans}
    controls = titles(console.controls, _.language)
    return renamed(found, {"job": plans, "run": controls, "file": controls})


def titled_content(console: Console, row: Row, _: Say) -> Row:
    """A handover whose frozen content, where it has one, says titles."""
    content = row["content"]
    if content is None:
        return row
    return {**row, "content": {**content, "sections": by_title(console, content["sections"], _)}}


def renamed(found: Items, called: Mapping[str, Mapping[str, str]]) -> dict[str, list[Row]]:
    """The same items; of those whose kind (the first part of the key) is in `called`, the name that leads the title is
    replaced."""
    return {part: [_renamed(item, called) for item in items] for part, items in found.items()}


def _renamed(item: Row, called: Mapping[str, Mapping[str, str]]) -> Row:
    kind = str(item["key"]).partition("/")[0]
    name, space, rest = str(item["title"]).partition(" ")
    shown = called.get(kind, {}).get(name)
    return item if shown is None else {**item, "title": f"{shown}{space}{rest}"}
