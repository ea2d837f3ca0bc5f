"""From file to file: what one party brought, what was set aside, what broke, and so what the other party brought.

Every step is read from the certificate and from the stored breaks; what is left between them is what the two files have
in common, so a picture that does not end at the other file's own total is impossible, and a remainder that the run did
not account for shows as a step of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from dashboards.components.charts import chart
from dashboards.components.figures import base
from dashboards.components.values import money
from dashboards.components.words import PARTY, break_class, word
from dashboards.locale import Say, mark
from dashboards.queries.rows import Row

BAR_PX, HEAD_PX, FOOT_PX = 30, 8, 34
TOTAL, LESS, MORE = "#7b8794", "#b0762a", "#3f7fd0"
_PARTS = (
    ("carried_in", mark("Carried in from the day before"), 1),
    ("rejected", mark("Rejected rows"), -1),
    ("duplicates", mark("Duplicates"), -1),
)
"""Parts of a party's account with the sign that each has on the way from its file to its keys."""
PROPOSING = ("fuzzy",)
"""Passes that bring nothing together, but propose what a person may."""
ROOM = 0.35
"""Part of the drawn span that is kept free beside it for the figures."""


@dataclass(frozen=True, slots=True)
class Step:
    """One bar: a level that is reached (`total`) or a change of it, in rows or in minor units."""

    name: str
    value: int
    total: bool = False


def steps(
    certificate: Mapping[str, Any], found: Sequence[Row], first: str, other: str, unit: str, _: Say
) -> list[Step]:
    """The bars from the file of one party to that of the other; `unit` is `rows` or `money`."""
    parties = certificate["parties"]
    left, right = parties[first], parties[other]
    there = _by_class(found, first, unit)
    here = _by_class(found, other, unit)
    shown = [Step(_file(first, _), _part(left, "rows", unit), total=True)]
    level = shown[0].value
    for part, name, sign in _PARTS:
        change = sign * _part(left, part, unit)
        level += change
        shown += _some(_(name), change)
    for name, amount in there.items():
        level -= amount
        shown += _some(break_class(name, _), -amount)
    end = _part(right, "rows", unit)
    common = end - sum(-sign * _part(right, part, unit) for part, _name, sign in _PARTS) - sum(here.values())
    matched, met = _matched(certificate, unit, first, level), _matched(certificate, unit, other, level)
    shown += _some(_rest(certificate, level - matched, unit, _), matched - level)
    shown.append(Step(_("Matched"), matched, total=True))
    shown += _some(_("Difference of rows in batches"), met - matched)
    shown += _some(_rest(certificate, common - met, unit, _), common - met)
    for name, amount in here.items():
        shown += _some(break_class(name, _), amount)
    for part, name, sign in reversed(_PARTS):
        shown += _some(_(name), -sign * _part(right, part, unit))
    return [*shown, Step(_file(other, _), end, total=True)]


def _matched(certificate: Mapping[str, Any], unit: str, party: str, level: int) -> int:
    """A party's rows that are matched, as the certificate counts them; `level`, what is left, where it does not.

    It counts no money, and no rows of a batch between some of several parties. Of two parties, each row that a pass brought
    together is a key of its own, so that the pass tells the rows of each.
    """
    if not _counts(certificate, unit):
        return level
    counted = {name: int(tally["count"]) for name, tally in certificate.get("classes", {}).items()}
    exact = counted.get("matched", 0)
    if len(certificate["parties"]) > 2:
        return exact + counted.get("matched_by_tolerance", 0)
    passes = (each for each in certificate.get("passes", ()) if each["pass"] not in PROPOSING)
    return exact + sum(int(each["rows"].get(party, 0)) for each in passes)


def _rest(certificate: Mapping[str, Any], rest: int, unit: str, _: Say) -> str:
    """What a difference to the matched is: rows without effect, unless there are more than the certificate knows of."""
    if not _counts(certificate, unit):
        return _("Without effect, or within tolerance")
    known = int(certificate.get("classes", {}).get("no_effect", {}).get("count", 0))
    return _("Without effect") if 0 <= rest <= known else _("Not in the store")


def _counts(certificate: Mapping[str, Any], unit: str) -> bool:
    """Whether the certificate counts what is matched in this unit."""
    return unit == "rows" and (
        len(certificate["parties"]) <= 2 or "matched_by_batch" not in certificate.get("classes", {})
    )


def levels(found: Sequence[Step]) -> list[int]:
    """The level after each step; the last one is the other file's own total when everything is accounted for."""
    reached: list[int] = []
    for step in found:
        reached.append(step.value if step.total else reached[-1] + step.value)
    return reached


def waterfall(found: Sequence[Step], unit: str, currency: str, _: Say) -> Any:
    """The bars, drawn from top to bottom so that long names can be read on a phone too."""
    reached = levels(found)
    low, high = min(reached), max(reached)
    start = axis_start(low, high)
    span = max(high - start, 1)
    figure = {
        "data": [
            {
                "type": "waterfall",
                "orientation": "h",
                "y": [f"{at}" for at in range(len(found))],
                "x": [step.value for step in found],
                "measure": ["absolute" if step.total else "relative" for step in found],
                "text": [_shown(step, unit, currency, _) for step in found],
                "textposition": "outside",
                "cliponaxis": False,
                "hovertemplate": "%{customdata}<extra></extra>",
                "customdata": [f"{escape(step.name)}: {_shown(step, unit, currency, _)}" for step in found],
                "connector": {"line": {"color": TOTAL, "width": 1, "dash": "dot"}},
                "totals": {"marker": {"color": TOTAL}},
                "decreasing": {"marker": {"color": LESS}},
                "increasing": {"marker": {"color": MORE}},
            }
        ],
        "layout": base(HEAD_PX + BAR_PX * len(found) + FOOT_PX)
        | {
            "margin": {"l": 8, "r": 12, "t": HEAD_PX, "b": FOOT_PX, "pad": 4},
            "hovermode": "closest",
            "dragmode": False,
            "xaxis": {
                "range": [start, high + ROOM * span],
                "fixedrange": True,
                "zeroline": False,
                "showgrid": True,
                "nticks": 5,
                "tickformat": ",d" if unit == "rows" else "~s",
            },
            "yaxis": {
                "autorange": "reversed",
                "automargin": True,
                "fixedrange": True,
                "type": "category",
                "tickvals": [f"{at}" for at in range(len(found))],
                "ticktext": [f"<b>{escape(step.name)}</b>" if step.total else escape(step.name) for step in found],
            },
        },
    }
    said = "; ".join(f"{step.name}: {_shown(step, unit, currency, _)}" for step in found)
    return chart("run-waterfall", figure, said)


def axis_start(low: int, high: int) -> int:
    """Where the axis begins: at zero, unless the steps would be too small to be seen beside the totals."""
    if low <= 0 or high - low > low / 5:
        return min(low, 0)
    return low - max((high - low) // 2, low // 200, 1)


def _by_class(found: Sequence[Row], party: str, unit: str) -> dict[str, int]:
    """Rows or money of a party's records by class, duplicates left out: its account has them."""
    column = "n" if unit == "rows" else "amount_minor"
    summed: dict[str, int] = {}
    for row in found:
        if row["party"] == party and not row["class"].startswith("duplicate_"):
            summed[row["class"]] = summed.get(row["class"], 0) + row[column]
    return dict(sorted(summed.items()))


def _part(account: Mapping[str, Any], part: str, unit: str) -> int:
    if unit == "rows":
        return int(account.get(part, 0))
    return int(account.get("amount_minor" if part == "rows" else f"{part}_amount_minor", 0))


def _some(name: str, change: int) -> list[Step]:
    return [Step(name, change)] if change else []


def _file(party: str, _: Say) -> str:
    return _("File of {party}", party=word(PARTY, party, _))


def _shown(step: Step, unit: str, currency: str, _: Say) -> str:
    amount = _.number(abs(step.value)) if unit == "rows" else money(abs(step.value), currency, _)
    return amount if step.total else ("+" if step.value > 0 else "−") + amount
