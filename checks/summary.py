"""The title of an alert, from the text that its check gives: `{target}: {value} of the threads are busy`.

Known are target, value (with its unit), indicator, check, kind, site, system, and every label of target and series; a
label that a series lacks is shown as nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from checks.check import Check, Series, properties
from core.quantity import show_quantity

PLACE = re.compile(r"\{([^{}]*)\}")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def faults(template: str) -> Iterable[str]:
    """What is wrong with a text, each as a sentence."""
    for name in PLACE.findall(template):
        if not NAME.fullmatch(name):
            yield f"{{{name}}} names nothing; write {{target}}, {{value}}, {{indicator}} or a label's name"
    if PLACE.sub("", template).count("{") or PLACE.sub("", template).count("}"):
        yield "a brace stands alone; braces go around names, like {target}"


def fill(check: Check, series: Series, value: float | None) -> str:
    """The check's summary with everything filled in; a plain one when it has none."""
    template = dict(check.annotations).get("summary") or "{target}: {indicator} is {value}"
    indicator = series.indicator
    known = {
        **properties(series),
        "indicator": indicator.name,
        "check": check.name,
        "value": show_quantity(value, indicator.unit, indicator.kind),
    }
    return PLACE.sub(lambda place: known.get(place[1], ""), template)
