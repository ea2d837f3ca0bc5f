"""Where the number of a quantity is from, in the viewer's language, from the words that the run wrote down.

A query, a formula, a column and a value stay as the control's file has them.
"""

from __future__ import annotations

import re
from typing import Final

from dashboards.locale import Say, mark
from dashboards.sentences.shapes import fitted, shape

SOURCES: Final = (
    mark("a constant of the control"),
    mark("{text} of the run of {control} for {day}"),
    mark("{text} in the headers of {path}"),
    mark("percentile {n} of {text} in {path}"),
    mark("sum of {text} in {path}"),
    mark("different {text} in {path}"),
    mark("gaps in {text} in {path}"),
    mark("rows in {path}"),
    mark("is {text}"),
)
WHERE: Final = mark("{source} where {conditions}")
CONDITIONS: Final = {
    "is one of": mark("is one of"),
    "is not": mark("is not"),
    "is": mark("is"),
    "at least": mark("at least"),
    "at most": mark("at most"),
    "older than": mark("older than"),
    "and": mark("and"),
}
"""How a condition on a column is said, the longer words first."""
_CONDITION: Final = re.compile(rf"(?<= )(?:{'|'.join(CONDITIONS)})(?= )")


def source_said(source: str, _: Say) -> str:
    """The words for a source; those of no known shape, such as a query, are shown as they were written."""
    if _.language == "en":
        return source
    taken, _where, conditions = source.partition(" where ")
    for message in SOURCES:
        found = fitted(shape(message), taken)
        if found is None:
            continue
        said = _(message, **found)
        if not conditions:
            return said
        return _(WHERE, source=said, conditions=_CONDITION.sub(lambda each: _(CONDITIONS[each[0]]), conditions))
    return source
