"""Figures of files: rows counted, a column summed, different values, gaps in a sequence, a percentile.

A file with a manifest beside it (as a standard record has) must tie to it. A cell that is not the number that it should be
refuses the whole figure, with file and line.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from reconciliation.controls.fields import DAY, LARGEST, PREVIOUS_DAY
from reconciliation.controls.formula import EXACT, Value, parse
from reconciliation.controls.quantity_entries import Condition, FileTotal
from reconciliation.controls.tables import Table, TableError, open_table
from reconciliation.standard_record import manifest_path, valid_amount
from reconciliation.validation import day_end

_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]{1,18})?", re.ASCII)
_LONGEST_SHOWN: Final = 40
MOST_FILES: Final = 10_000


@dataclass(frozen=True, slots=True)
class Day:
    """A business day: `end` is the local instant at which it is over."""

    business_day: date
    timezone: ZoneInfo
    cutoff: time = time(0)

    @property
    def end(self) -> datetime:
        return day_end(self.business_day, self.timezone, self.cutoff)


@dataclass(slots=True)
class _Found:
    """What a pass over the files has gathered."""

    count: int = 0
    total: Decimal = Decimal(0)
    texts: set[str] = field(default_factory=set)
    numbers: Counter[Decimal] = field(default_factory=Counter)  # how often each was found


def filled(path: str, business_day: date) -> str:
    """The path for a business day."""
    before = business_day - timedelta(days=1)
    return path.replace(DAY, business_day.isoformat()).replace(PREVIOUS_DAY, before.isoformat())


def files_of(home: Path, path: str, business_day: date) -> list[Path]:
    """The files that a path means on a business day, ordered; a path without * and ? is one file, there or not.

    Raises TableError when a pattern finds none.
    """
    place = filled(path, business_day)
    root = Path(place).expanduser()
    if not re.search(r"[*?]", place):
        return [root if root.is_absolute() else home / root]
    base, pattern = (Path(root.anchor), root.relative_to(root.anchor)) if root.is_absolute() else (home, root)
    found = sorted(
        each for each in base.glob(str(pattern)) if each.is_file() and not each.name.endswith(".manifest.json")
    )
    if not found:
        raise TableError(f"{base / pattern}: there is no such file; ask the sender for it")
    if len(found) > MOST_FILES:
        raise TableError(f"{base / pattern}: these are more than {MOST_FILES} files; narrow the pattern")
    return found


def total(entry: FileTotal, home: Path, day: Day) -> tuple[Decimal, str]:
    """The figure, and the SHA-256 of the file, or of the list of all files' names and SHA-256.

    Raises TableError with the file and the line when it cannot be told.
    """
    found = _Found()
    checksums: list[tuple[str, str]] = []
    for path in files_of(home, entry.path, day.business_day):
        with open_table(path) as table:
            _gather(entry, table, day, found)
            checksums.append((path.name, table.sha256))
    if len(checksums) == 1:
        digest = checksums[0][1]
    else:
        digest = hashlib.sha256("".join(f"{sha}  {name}\n" for name, sha in checksums).encode()).hexdigest()
    return _figure(entry, found, home / filled(entry.path, day.business_day)), digest


def _gather(entry: FileTotal, table: Table, day: Day, found: _Found) -> None:
    missing = [name for name in entry.columns if name not in table.columns]
    if missing:
        raise TableError(f"{table.path}: there is no column {missing[0]!r}; there are {', '.join(table.columns)}")
    stated = _manifest(table.path, table.sha256, _day_of(entry.path, day.business_day))
    place = None if entry.column is None else table.columns.index(entry.column)
    conditions = [(table.columns.index(name), name, condition) for name, condition in entry.where.items()]
    formula = parse(entry.each) if entry.each is not None else None
    of_formula = [(name, table.columns.index(name)) for name in formula.names] if formula is not None else []
    money = table.columns.index("amount_minor") if stated and "amount_minor" in table.columns else None
    rows = amount_minor = 0
    for line, row in table.rows:
        rows += 1
        if money is not None:
            amount_minor += valid_amount(row[money]) or 0
        where = f"{table.path}, line {line}"
        if not all(_meets(condition, row[index], f"{where}: {name}", day) for index, name, condition in conditions):
            continue
        found.count += 1
        if formula is not None:
            numbers = {name: Value(number_of(row[at], f"{where}: {name}")) for name, at in of_formula}
            value = formula.evaluate(numbers)
            if value.number is None:
                raise TableError(f"{where}: {value.reason}")
            found.total = EXACT.add(found.total, value.number)
        elif place is not None:
            _take(entry, row[place], f"{where}: {entry.column}", found)
    if stated is not None:
        _tie(table.path, stated, rows, amount_minor if money is not None else None)


def _take(entry: FileTotal, cell: str, where: str, found: _Found) -> None:
    if entry.distinct is not None:
        found.texts.add(cell)
        return
    number = number_of(cell, where)
    if entry.sum is not None:
        found.total = EXACT.add(found.total, number)
        return
    if entry.gaps is not None and number != number.to_integral_value():
        raise TableError(f"{where} {_shown(cell)} is no whole number")
    found.numbers[number] += 1


def _figure(entry: FileTotal, found: _Found, shown: Path) -> Decimal:
    if entry.count is not None:
        return Decimal(found.count)
    if entry.sum is not None or entry.each is not None:
        return found.total
    if entry.distinct is not None:
        return Decimal(len(found.texts))
    if not found.numbers:
        raise TableError(f"{shown}: no row counts, so that there is nothing to take the {entry.column} of")
    if entry.gaps is not None:
        return max(found.numbers) - min(found.numbers) + 1 - len(found.numbers)
    rank, passed = math.ceil(Decimal(entry.percentile or 0) * found.numbers.total() / 100), 0
    for number in sorted(found.numbers):  # nearest rank
        passed += found.numbers[number]
        if passed >= rank:
            break
    return number


def number_of(cell: str, where: str) -> Decimal:
    """The number that a cell states. Raises TableError when it is none, or beyond 64 bits."""
    if not _NUMBER.fullmatch(cell):
        raise TableError(f"{where} {_shown(cell)} is not a plain number")
    number = Decimal(cell)
    if abs(number) > LARGEST:
        raise TableError(f"{where} {_shown(cell)} is beyond 64 bits")
    return number


def _meets(condition: Condition, cell: str, where: str, day: Day) -> bool:
    if condition.equals is not None and cell != condition.equals:
        return False
    if condition.unlike is not None and cell == condition.unlike:
        return False
    if condition.any_of is not None and cell not in condition.any_of:
        return False
    if condition.at_least is not None and number_of(cell, where) < condition.at_least:
        return False
    if condition.at_most is not None and number_of(cell, where) > condition.at_most:
        return False
    return condition.older_than is None or _age(cell, where, day) > condition.older_than


def _age(cell: str, where: str, day: Day) -> timedelta:
    """From the end of that date, or from that instant, to the end of the business day."""
    try:
        if len(cell) == len("2026-11-01"):
            return day.business_day - date.fromisoformat(cell)
        at = datetime.fromisoformat(cell)
    except ValueError:
        raise TableError(f"{where} {_shown(cell)} is neither a date nor an instant of ISO 8601") from None
    return day.end - (at if at.tzinfo is not None else at.replace(tzinfo=day.timezone))


def _day_of(path: str, business_day: date) -> date:
    """The business day that a file's manifest must state."""
    return business_day if DAY in path else business_day - timedelta(days=1)


def _manifest(path: Path, sha256: str, business_day: date) -> Mapping[str, Any] | None:
    """The manifest beside the file, if there is one; its checksum and its day must be right."""
    place = manifest_path(path)
    try:
        stated = json.loads(place.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise TableError(f"{place}: the manifest cannot be read as JSON ({error}); ask for it again") from error
    if not isinstance(stated, dict) or not {"business_day", "rows", "sha256"} <= stated.keys():
        raise TableError(f"{place}: the manifest lacks business_day, rows or sha256; ask for a correct one")
    if stated["business_day"] != business_day.isoformat():
        raise TableError(
            f"{place}: the manifest is of {stated['business_day']} and the file is asked for {business_day}"
        )
    if str(stated["sha256"]).lower() != sha256:
        raise TableError(f"{path}: its SHA-256 differs from the manifest's; the file was damaged or replaced")
    return stated


def _tie(path: Path, stated: Mapping[str, Any], rows: int, amount_minor: int | None) -> None:
    totals: list[tuple[str, int, Any]] = [("rows", rows, stated["rows"])]
    if amount_minor is not None and "amount_minor" in stated:
        totals.append(("minor units", amount_minor, stated["amount_minor"]))
    for what, found, told in totals:
        if found != told:
            raise TableError(f"{path}: it has {found} {what} and the manifest states {told}; ask for the file again")


def _shown(cell: str) -> str:
    return repr(cell if len(cell) <= _LONGEST_SHOWN else cell[:_LONGEST_SHOWN] + "...")
