"""The way from the first party's file to the last one's, row by row: what falls away and what comes, as steps and as SVG.

rows of A - rejected - duplicates + brought in - keys in A alone, by class = keys on both sides;
keys on both sides + keys in B alone, by class - brought in + duplicates + rejected = rows of B.
Keys at rest that one side alone has (no effect, or matched by a later pass) are in no list of lines: what remains, net.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from reconciliation.certificate import Certificate
from reconciliation.reports.tally import Tally
from reconciliation.reports.words import Say

_WIDTH: Final = 680
_LABELS: Final = 262
_ROW: Final = 19
_FIGURES: Final = 74
_FONTS: Final = "Noto Sans CJK SC, Noto Sans SC, Microsoft YaHei, PingFang SC, DejaVu Sans, sans-serif"
_COLOURS: Final = {"level": "#1f3a5f", "fall": "#b3362b", "rise": "#d08a1d"}
_ZOOM_BELOW: Final = (
    0.5  # when the steps are shorter than this share of the greatest level, the axis does not begin at 0
)


@dataclass(frozen=True, slots=True)
class Step:
    """A change of the level, or with `change` None a level itself; in rows."""

    label: str
    change: int | None
    level: int


def steps(certificate: Certificate, tally: Tally, say: Say) -> list[Step]:
    """The steps from the first party to the last; none for a control without two parties."""
    parties = certificate.get("parties", {})
    if len(parties) < 2:
        return []
    first, *_, last = parties
    down = _of_file(certificate, tally, first, say)
    up = [(label, -change) for label, change in reversed(_of_file(certificate, tally, last, say))]
    lost = [
        (_alone(first, name, say), -count) for (party, name), count in sorted(tally.alone.items()) if party == first
    ]
    won = [(_alone(last, name, say), count) for (party, name), count in sorted(tally.alone.items()) if party == last]
    start, end = parties[first]["rows"], parties[last]["rows"]
    rest = end - start - sum(change for _, change in (*down, *lost, *won, *up))
    if rest < 0:
        lost.append((_alone(first, "at_rest", say), rest))
    elif rest > 0:
        won.insert(0, (_alone(last, "at_rest", say), rest))
    found = [Step(say("{party}: rows of the file").format(party=say(first)), None, start)]
    level = start
    for label, change in (*down, *lost):
        level += change
        found.append(Step(label, change, level))
    matched = certificate.get("classes", {}).get("matched", {}).get("count", 0)
    found.append(Step(say("On both sides, of which {matched} matched").format(matched=f"{matched:,}"), None, level))
    for label, change in (*won, *up):
        level += change
        found.append(Step(label, change, level))
    found.append(Step(say("{party}: rows of the file").format(party=say(last)), None, level))
    return found


def svg(found: Sequence[Step], say: Say) -> str:
    """The steps as horizontal bars, levels dark, what falls away red and what comes amber; said in words when zoomed."""
    if not found:
        return ""
    levels = [step.level for step in found]
    highest, lowest = max(levels), min(levels)
    span = highest - lowest
    base = 0 if span >= _ZOOM_BELOW * highest else max(0, lowest - max(span // 4, 1))
    scale = (_WIDTH - _LABELS - _FIGURES) / max(highest - base, 1)
    height = _ROW * len(found) + 4
    parts = [
        f'<svg class="waterfall" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-size="11" '
        f'font-family="{_FONTS}" fill="#1a1f26" '
        f'role="img" aria-label="{escape(say("From file to file"))}">'
    ]
    before = base
    for place, step in enumerate(found):
        top = place * _ROW + 3
        if step.change is None:
            left, right, kind, figure = base, step.level, "level", f"{step.level:,}"
        else:
            left, right = sorted((before, step.level))
            kind, figure = ("fall" if step.change < 0 else "rise"), f"{step.change:+,}".replace("-", "−")
        x = _LABELS + (left - base) * scale
        width = max((right - left) * scale, 0.8)
        parts.append(
            f'<text x="{_LABELS - 8}" y="{top + 11}" text-anchor="end">{escape(step.label)}</text>'
            f'<rect fill="{_COLOURS[kind]}" x="{x:.2f}" y="{top}" width="{width:.2f}" height="{_ROW - 5}"/>'
            f'<text x="{_WIDTH}" y="{top + 11}" text-anchor="end">{figure}</text>'
        )
        before = step.level
    caption = (
        f'<p class="note">{escape(say("The axis begins at {base}.").format(base=f"{base:,}"))}</p>' if base else ""
    )
    return "".join(parts) + "</svg>" + caption


def _of_file(certificate: Certificate, tally: Tally, party: str, say: Say) -> list[tuple[str, int]]:
    """What lies between the rows of a party's file and its keys."""
    account = certificate["parties"][party]
    found = [
        ("{party}: rejected", -account["rejected"]),
        ("{party}: duplicates", -tally.duplicates[party]),
        ("{party}: brought in from the day before", account.get("carried_in", 0)),
    ]
    return [(say(label).format(party=say(party)), change) for label, change in found if change]


def _alone(party: str, name: str, say: Say) -> str:
    return say("In {party} alone: {what}").format(party=say(party), what=say(name))
