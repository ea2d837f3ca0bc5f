"""What breaks have in common: the value of a dimension, and the hours, in which most of a class's money lies.

A cause is said when one value of a dimension holds at least half of a class's money (or lines, where no money is at risk)
and at least twice its share of all of the day's records: that channel 7 has 91 % of the shortfall says nothing where it
has 90 % of the business. The time is the shortest span that holds nine tenths of those lines, said when it is at most a
quarter of the day. `causes.json` holds the list, the most money first; `dimensions.parquet` the dimensions of each line of
`breaks.parquet`, in the same order. Neither is evidence: both follow from the files and are made only with the reports.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core.money import format_minor
from reconciliation.conservation import amount_sum
from reconciliation.reports.words import speaker
from reconciliation.validation import KEPT, micros

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from reconciliation.engines import Engine
    from reconciliation.request import Request
    from reconciliation.sources import Loaded

FILE: Final = "causes.json"
DIMENSIONS: Final = "dimensions.parquet"
_SHARE: Final = 0.5
_LIFT: Final = 2.0
_LINES: Final = 5
_WITHIN: Final = 0.9
_SPAN: Final = timedelta(hours=6)
_CHINESE: Final = {"channel": "渠道", "product": "产品", "region": "地区"}
_EXAMINED: Final = 200_000  # instants of one group that the span is looked for in


@dataclass(frozen=True, slots=True)
class Group:
    """The lines of one class and currency in one value of a dimension."""

    dimension: str
    value: str
    count: int
    at_risk_minor: int


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing in common. `share` and `usual_share` are of 1; `begin` and `end` are instants in the day's zone, or none."""

    class_name: str
    currency: str
    dimension: str
    value: str
    count: int
    at_risk_minor: int
    share: float
    usual_share: float
    begin: str | None
    end: str | None
    sentence: Mapping[str, str]


def write(
    engine: Engine, lines: ir.Table, loaded: Mapping[str, Loaded], request: Request, folder: Path
) -> tuple[str, ...]:
    """Write both files into `folder`, and return their names. `lines` are the breaks with their kept columns."""
    named = [name for name in request.dimensions if KEPT + name in lines.columns]
    engine.export(
        lines.select(**{name: lines[KEPT + name] for name in named} or {"class": lines["class"]}), folder / DIMENSIONS
    )
    broken = lines.filter(~lines["carried"])
    found: list[Cause] = []
    for name in named:
        found += _of_dimension(engine, broken, loaded, request, name)
    found.sort(key=lambda cause: (-cause.at_risk_minor, -cause.count, cause.class_name, cause.dimension, cause.value))
    text = json.dumps([asdict(cause) for cause in found], indent=1, ensure_ascii=False)
    (folder / FILE).write_text(text + "\n", encoding="utf-8")
    return (FILE, DIMENSIONS)


def read(folder: Path) -> list[dict[str, Any]]:
    """The causes of a result; none when it was made without reports."""
    try:
        found = json.loads((folder / FILE).read_bytes())
    except FileNotFoundError:
        return []
    return list(found)


def leading(groups: Sequence[Group], usual: Mapping[str, float]) -> tuple[Group, float] | None:
    """The group that stands out among those of one class and currency, and its share; None when none does.

    `usual` is each value's share of all records. The share is of the money, or of the lines where there is no money.
    """
    money = sum(group.at_risk_minor for group in groups)
    count = sum(group.count for group in groups)
    if count < _LINES:
        return None
    first = max(groups, key=lambda group: (group.at_risk_minor, group.count, group.value))
    share = first.at_risk_minor / money if money else first.count / count
    if not first.value or share < _SHARE or share < _LIFT * usual.get(first.value, 0.0):
        return None
    return first, share


def shortest_span(instants: Iterable[datetime]) -> tuple[datetime, datetime] | None:
    """The shortest span that holds nine tenths of the instants (the earliest of equals), and what goes on at either side
    of it without a longer pause than there is inside; None when it is over 6 hours."""
    ordered = sorted(instants)
    if not ordered:
        return None
    held = math.ceil(len(ordered) * _WITHIN)
    spans = [(ordered[at + held - 1] - ordered[at], at) for at in range(len(ordered) - held + 1)]
    first = min(spans)[1]
    last = first + held - 1
    pause = max((ordered[n + 1] - ordered[n] for n in range(first, last)), default=timedelta())
    pause += timedelta(seconds=1)  # instants that are as far apart but for their fractions
    while first > 0 and ordered[first] - ordered[first - 1] <= pause:
        first -= 1
    while last + 1 < len(ordered) and ordered[last + 1] - ordered[last] <= pause:
        last += 1
    return None if ordered[last] - ordered[first] > _SPAN else (ordered[first], ordered[last])


def _of_dimension(
    engine: Engine, broken: ir.Table, loaded: Mapping[str, Loaded], request: Request, name: str
) -> list[Cause]:
    value = broken[KEPT + name].fill_null("")
    grouped = broken.group_by("class", "currency", value=value).agg(
        count=broken.count(), at_risk=amount_sum(broken["at_risk_minor"])
    )
    by_class: dict[tuple[str, str], list[Group]] = {}
    for row in engine.fetch(grouped):
        group = Group(name, row["value"], int(row["count"]), int(row["at_risk"] or 0))
        by_class.setdefault((row["class"], row["currency"]), []).append(group)
    usual = _usual(engine, loaded, name) if by_class else {}
    causes = []
    for (class_name, currency), groups in sorted(by_class.items()):
        leads = leading(groups, usual)
        if leads is not None:
            group, share = leads
            mine = broken.filter(
                (broken["class"] == class_name)
                & (broken["currency"] == currency)
                & (broken[KEPT + name] == group.value)
            )
            span = shortest_span(_instants(engine, mine, request.names))
            causes.append(_cause(class_name, currency, group, share, usual.get(group.value, 0.0), span, request))
    return causes


def _usual(engine: Engine, loaded: Mapping[str, Loaded], name: str) -> dict[str, float]:
    """The share that each value has of the rows of the first file that states the dimension at all."""
    for file in loaded.values():
        text = file.opened.text
        if name not in text.columns:
            continue
        rows = text.group_by(value=text[name]).agg(count=text.count())
        counts = {row["value"]: int(row["count"]) for row in engine.fetch(rows) if row["value"] is not None}
        if counts:
            total = sum(counts.values())
            return {value: count / total for value, count in counts.items()}
    return {}


def _instants(engine: Engine, rows: ir.Table, parties: Iterable[str]) -> list[datetime]:
    import ibis

    at = ibis.coalesce(*(rows[f"{party}_occurred_at"] for party in parties))
    found = engine.fetch(rows.select(micros=micros(at)).order_by("micros").limit(_EXAMINED))
    epoch = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    return [epoch + timedelta(microseconds=int(row["micros"])) for row in found if row["micros"] is not None]


def _cause(
    class_name: str,
    currency: str,
    group: Group,
    share: float,
    usual: float,
    span: tuple[datetime, datetime] | None,
    request: Request,
) -> Cause:
    local = None if span is None else tuple(instant.astimezone(request.timezone) for instant in span)
    money = format_minor(group.at_risk_minor, currency)
    percent, part = round(share * 100), round(usual * 100)
    when = "" if local is None else f", {local[0]:%H:%M}-{local[1]:%H:%M}"
    say, ask = speaker("zh_CN"), speaker("en")
    return Cause(
        class_name=class_name,
        currency=currency,
        dimension=group.dimension,
        value=group.value,
        count=group.count,
        at_risk_minor=group.at_risk_minor,
        share=round(share, 4),
        usual_share=round(usual, 4),
        begin=None if local is None else local[0].isoformat(),
        end=None if local is None else local[1].isoformat(),
        sentence={
            "en": f"{percent} % of “{ask(class_name)}” is {group.dimension} {group.value}{when}"
            f" ({group.count} lines, {money}); it has {part} % of the day's records.",
            "zh_CN": f"“{say(class_name)}”的 {percent}% 集中在{_CHINESE.get(group.dimension, group.dimension)}"
            f" {group.value}{when.replace(', ', '，')}（{group.count} 条，{money}），而其业务量只占当日的 {part}%。",
        },
    )
