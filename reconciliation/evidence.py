"""What the lines of a result say against its certificate: counts, money, and the same lines in both formats.

The lines are streamed, so that a result of any size is checked in little memory.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from reconciliation import breaks, rejects
from reconciliation.certificate import Certificate
from reconciliation.rules import QUIET
from reconciliation.spreadsheet import plain

_BATCH: Final = 8_192
_GROUP: Final = ("carried", "class", "loser", "currency")
_UNREADABLE: Final = "cannot be read as {what}: {error}"


def lines_faults(folder: Path, certificate: Certificate) -> list[str]:
    """A sentence for each total of breaks.parquet that is not certified, and for the first line that breaks.csv has not."""
    from pyarrow import ArrowException

    place = folder / breaks.FILE_PARQUET
    count: Counter[tuple[Any, ...]] = Counter()
    minor: Counter[tuple[Any, ...]] = Counter()
    same = _Same(folder / breaks.FILE_CSV)
    try:
        for line in _parquet_lines(place):
            group = tuple(line[name] for name in _GROUP)
            count[group] += 1
            minor[group] += line["at_risk_minor"] or 0
            same.expect(line)
    except (ArrowException, OSError, KeyError) as error:
        return [f"{place} {_UNREADABLE.format(what='breaks', error=error)}"]
    return [*_totals(place, certificate, count, minor), *same.end()]


def rejects_faults(folder: Path, certificate: Certificate) -> list[str]:
    """A sentence for each party whose lines of rejects.csv are not as many as its rejected rows."""
    place = folder / rejects.FILE
    try:
        with place.open(encoding="utf-8", newline="") as file:
            counted = Counter(line["party"] for line in csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error, KeyError) as error:
        return [f"{place} {_UNREADABLE.format(what='rejects', error=error)}"]
    stated = {name: party["rejected"] for name, party in certificate["parties"].items()}
    return [
        f"{place} has {counted[name]:,} lines of {name}, and the certificate {stated.get(name, 0):,} rejected rows"
        for name in sorted({*stated, *counted}, key=str)
        if counted[name] != stated.get(name, 0)
    ]


def _totals(
    place: Path, certificate: Certificate, count: Counter[tuple[Any, ...]], minor: Counter[tuple[Any, ...]]
) -> list[str]:
    faults = []
    stated = {tuple(line[name] for name in _GROUP): line for line in certificate["lines"]}
    for group in sorted({*stated, *count}, key=str):
        line = stated.get(group, {"count": 0, "at_risk_minor": 0})
        if (line["count"], line["at_risk_minor"]) != (count[group], minor[group]):
            carried, name, loser, currency = group
            faults.append(
                f"{place} has {count[group]:,} lines of {name} ({'carried, ' if carried else ''}{loser}, {currency}) with "
                f"{minor[group]:,} at risk, and the certificate {line['count']:,} with {line['at_risk_minor']:,}"
            )
    classes: dict[str, list[int]] = {}
    for group, lines in count.items():
        total = classes.setdefault(group[1], [0, 0])
        total[0] += lines
        total[1] += minor[group]
    certified = {
        name: [total["count"], total["at_risk_minor"]]
        for name, total in certificate["classes"].items()
        if name not in QUIET
    }
    faults += [
        f"{place}: the lines of {name} are {classes.get(name, [0, 0])} in count and money, and the certificate's "
        f"class has {certified.get(name, [0, 0])}"
        for name in sorted({*classes, *certified})
        if classes.get(name, [0, 0]) != certified.get(name, [0, 0])
    ]
    for name, carried in (("breaks", False), ("carried", True)):
        lines = sum(number for group, number in count.items() if bool(group[0]) == carried)
        if certificate.get(name) != lines:
            faults.append(f"{place} has {lines:,} lines for {name}, and the certificate says {certificate.get(name)}")
    return faults


class _Same:
    """Compares the lines of breaks.csv, in their order, with those expected; it tells the first that differs."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._lines = _csv_lines(place)
        self._number = 0
        self._fault: str | None = None

    def expect(self, line: dict[str, Any]) -> None:
        """The next line of breaks.csv should be this one."""
        if self._fault is not None:
            return
        self._number += 1
        try:
            found = next(self._lines, None)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            self._fault = f"{self._place} {_UNREADABLE.format(what='breaks', error=error)}"
            return
        if found is None:
            self._fault = f"{self._place} ends after {self._number - 1:,} lines, and {breaks.FILE_PARQUET} has more"
            return
        for name, value in line.items():
            if not _says(found.get(name), value):
                self._fault = (
                    f"{self._place}: line {self._number:,} of breaks ({line['business_key']}) has another {name} than "
                    f"{breaks.FILE_PARQUET}: a cell was edited, or lines are in another order"
                )
                return

    def end(self) -> list[str]:
        """The fault, if any, once all lines were expected."""
        if self._fault is None:
            try:
                more = sum(1 for _ in self._lines)
            except (OSError, UnicodeDecodeError, csv.Error) as error:
                return [f"{self._place} {_UNREADABLE.format(what='breaks', error=error)}"]
            if more:
                self._fault = f"{self._place} has {more:,} lines more than {breaks.FILE_PARQUET}"
        return [] if self._fault is None else [self._fault]


def _says(cell: str | None, value: Any) -> bool:
    """Whether a cell of the CSV file is the value of the Parquet file."""
    if cell is None:
        return False
    if value is None:
        return cell == ""
    if isinstance(value, bool):
        return cell == ("true" if value else "false")
    if isinstance(value, datetime):
        try:
            return datetime.fromisoformat(cell) == value
        except (TypeError, ValueError):
            return False
    return plain(cell) == str(value)


def _parquet_lines(place: Path) -> Iterator[dict[str, Any]]:
    from pyarrow import parquet

    with parquet.ParquetFile(place) as file:
        for batch in file.iter_batches(batch_size=_BATCH):
            yield from batch.to_pylist()


def _csv_lines(place: Path) -> Iterator[dict[str, str]]:
    with place.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
