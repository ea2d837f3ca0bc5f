"""The sheets of lines, Breaks and Rejects: every line of the result as it is, up to what a sheet can be asked to hold.

What is beyond is counted by the same keys, so that the totals of the workbook still tie. Amounts are in minor units and,
beside them, in units of their currency; instants are text in the zone of the control.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from reconciliation import breaks, rejects
from reconciliation.certificate import Certificate
from reconciliation.reports import cells
from reconciliation.reports.words import Say
from reconciliation.spreadsheet import plain

if TYPE_CHECKING:
    from xlsxwriter.worksheet import Worksheet

Group = tuple[str, str, str, bool]  # class, loser, currency, carried
HEAD: Final = 2  # the row of the column names; lines begin below it
_BATCH: Final = 8_192
_WIDTHS: Final = {"business_key": 26, "class": 22, "file": 22, "occurred_at": 27, "record_id": 24, "reason": 60}
_AMOUNT: Final = "amount_minor"
_DELIVERED: Final = ("business_key", "_record_id", "_file")  # the sender's text, which stays text when it is edited too


@dataclass(slots=True)
class Held:
    """What a sheet of lines holds, by group: how many lines, their money, the first row; and what it leaves out."""

    columns: Mapping[str, int] = field(default_factory=dict)  # name -> column number
    rows: int = 0
    count: Counter[Any] = field(default_factory=Counter)
    minor: Counter[Any] = field(default_factory=Counter)
    beyond: Counter[Any] = field(default_factory=Counter)
    minor_beyond: Counter[Any] = field(default_factory=Counter)
    first: dict[Any, int] = field(default_factory=dict)
    cut: int = 0

    def column(self, name: str, sheet: str) -> str:
        """The cells of a column as a formula names them; one empty row when there is no line."""
        from xlsxwriter.utility import xl_range_abs

        last = HEAD + max(self.rows, 1)
        return f"{sheet}!{xl_range_abs(HEAD + 1, self.columns[name], last, self.columns[name])}"


def write_breaks(
    sheet: Worksheet, folder: Path, certificate: Certificate, say: Say, styles: cells.Styles, limit: int, back: str
) -> Held:
    """Write the lines of breaks.parquet, the first `limit` of them, and tell what they add up to."""
    from pyarrow import parquet

    with parquet.ParquetFile(folder / breaks.FILE_PARQUET) as file:
        names = _with_units(file.schema_arrow.names)
        held = Held(columns={name: place for place, name in enumerate(names)})
        total = file.metadata.num_rows
        more = max(total - limit, 0)
        note = "{count} more lines are not in this workbook; breaks.parquet and breaks.csv hold all of them."
        _top(sheet, names, say, styles, back, say(note).format(count=f"{more:,}") if more else "")
        zone = ZoneInfo(certificate.get("settings", {}).get("timezone", "UTC"))
        pen = _Pen(sheet, styles, held, zone, back)
        for batch in file.iter_batches(batch_size=_BATCH):
            room = max(limit - held.rows, 0)
            for line in batch.slice(0, room).to_pylist():
                pen.write(line)
            for *group, minor in _beyond(batch, room):
                held.beyond[tuple(group)] += 1
                held.minor_beyond[tuple(group)] += minor or 0
    _finish(sheet, held, len(names))
    return held


def write_rejects(sheet: Worksheet, folder: Path, say: Say, styles: cells.Styles, limit: int, back: str) -> Held:
    """Write the lines of rejects.csv, the first `limit` of them, and tell how many they are by party."""
    place = folder / rejects.FILE
    names = _header(place)
    held = Held(columns={name: column for column, name in enumerate(names)})
    more = max(sum(1 for _ in _lines(place)) - limit, 0)
    note = "{count} more lines are not in this workbook; rejects.csv holds all of them."
    _top(sheet, names, say, styles, back, say(note).format(count=f"{more:,}") if more else "")
    for line in _lines(place):
        party = line["party"]
        if held.rows >= limit:
            held.beyond[party] += 1
            continue
        held.rows += 1
        row = HEAD + held.rows
        held.first.setdefault(party, row)
        held.count[party] += 1
        for name, column in held.columns.items():
            if name == "line" and line[name].isdecimal():
                cells.integer(sheet, row, column, int(line[name]))
            else:
                held.cut += cells.text(sheet, row, column, plain(line[name] or ""), styles.plain)
    _finish(sheet, held, len(names))
    return held


class _Pen:
    """Writes one line of breaks after another into a sheet."""

    def __init__(self, sheet: Worksheet, styles: cells.Styles, held: Held, zone: ZoneInfo, back: str) -> None:
        self.sheet, self.styles, self.held, self.zone, self.back = sheet, styles, held, zone, back
        self.plan = [
            (name, column, styles.plain if name.endswith(_DELIVERED) else None) for name, column in held.columns.items()
        ]

    def write(self, line: Mapping[str, Any]) -> None:
        """Write a line."""
        held, sheet = self.held, self.sheet
        group = (line["class"], line["loser"], line["currency"], bool(line["carried"]))
        held.rows += 1
        row = HEAD + held.rows
        held.count[group] += 1
        held.minor[group] += line["at_risk_minor"] or 0
        for name, column, style in self.plan:
            if name not in line:
                self._units(row, column, name, line)
                continue
            value = line[name]
            if value is None:
                continue
            if isinstance(value, str):
                held.cut += cells.text(sheet, row, column, value, style)
            elif isinstance(value, bool):
                sheet.write_boolean(row, column, value)
            elif isinstance(value, int):
                cells.integer(sheet, row, column, value)
            elif isinstance(value, datetime):
                sheet.write_string(row, column, value.astimezone(self.zone).isoformat())
            else:
                held.cut += cells.text(sheet, row, column, str(value), style)
        if group not in held.first:
            held.first[group] = row
            sheet.write_url(row, held.columns["class"], self.back, self.styles.link, group[0])

    def _units(self, row: int, column: int, name: str, line: Mapping[str, Any]) -> None:
        source = name.removesuffix("_units") + "_minor"
        party = name.removesuffix("_amount_units")
        currency = line["currency"] if name == "at_risk_units" else line[f"{party}_currency"]
        if currency is not None:
            cells.money(self.sheet, row, column, line[source], currency, self.styles.units(currency))


def _beyond(batch: Any, start: int) -> Iterator[tuple[Any, ...]]:
    """Group and money of the lines of a batch from `start` on."""
    rest = batch.slice(start)
    names = ("class", "loser", "currency", "carried", "at_risk_minor")
    return zip(*(rest.column(name).to_pylist() for name in names), strict=True)


def _with_units(names: list[str]) -> list[str]:
    """The columns of the parquet file, with a column in units of the currency after each amount and the risk."""
    wanted = []
    for name in names:
        wanted.append(name)
        of_party = name.endswith(f"_{_AMOUNT}") and f"{name.removesuffix(_AMOUNT)}currency" in names
        if name == "at_risk_minor" or of_party:
            wanted.append(name.removesuffix("_minor") + "_units")
    return wanted


def _top(sheet: Worksheet, names: list[str], say: Say, styles: cells.Styles, back: str, note: str) -> None:
    for column, name in enumerate(names):
        ending = next((ending for ending in _WIDTHS if name.endswith(ending)), "")
        sheet.set_column(column, column, _WIDTHS.get(ending, 15))
    sheet.write_url(0, 0, back, styles.link, say("Back to the summary"))
    if note:
        sheet.write_string(1, 0, note, styles.note)
    for column, name in enumerate(names):
        sheet.write_string(HEAD, column, name, styles.head)
    sheet.freeze_panes(HEAD + 1, 1)


def _finish(sheet: Worksheet, held: Held, columns: int) -> None:
    if held.rows:
        sheet.autofilter(HEAD, 0, HEAD + held.rows, columns - 1)


def _header(place: Path) -> list[str]:
    with place.open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file), ["party"])


def _lines(place: Path) -> Iterator[dict[str, str]]:
    with place.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
