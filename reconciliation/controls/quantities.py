"""The numbers of an equation for one business day, each with the source that it came from and a checksum of it.

A quantity that cannot be had is None with the reason, never 0. Derived ones follow when the others are known.
"""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from reconciliation.certificate import CertificateError, load
from reconciliation.controls import file_totals, sql_numbers
from reconciliation.controls.entries import EquationControl
from reconciliation.controls.fields import LARGEST
from reconciliation.controls.file_totals import Day
from reconciliation.controls.formula import Value, parse
from reconciliation.controls.quantity_entries import CdrHeaders, FileTotal, QuantityEntry, RunField, SqlNumber
from reconciliation.controls.rings import ordered
from reconciliation.controls.tables import TableError
from reconciliation.controls.units import NONE, parse_unit, show_unit, unit_of
from reconciliation.scanning import checksum
from reconciliation.sources import SourceError

Taken = tuple[Decimal, str, tuple[str, ...]]
"""A number, the SHA-256 of what it was taken from, and notes."""
CDR_HEADERS: Final = "reconciliation.sources.cdr_3gpp"


@dataclass(frozen=True, slots=True)
class Quantity:
    """One number: `source` says in words where it is from, `sha256` is of the files, or of the query and its result."""

    name: str
    value: Decimal | None
    unit: str
    source: str
    sha256: str = ""
    reason: str = ""  # why it is not known
    notes: tuple[str, ...] = ()  # what its source says of itself though it is known


class QuantityError(Exception):
    """A quantity cannot be had; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where quantities are looked for: the home folder with files and runs, and the business day."""

    home: Path
    day: Day


def measure(control: EquationControl, place: Place) -> dict[str, Quantity]:
    """Every quantity of the control, in its order; one that fails leaves the others untouched."""
    found: dict[str, Quantity] = {}
    for name, entry in control.quantities.items():
        if entry.derived is None:
            found[name] = _measured(name, entry, place)
    formulas = {name: parse(entry.derived) for name, entry in control.quantities.items() if entry.derived is not None}
    for name in ordered({name: formula.names for name, formula in formulas.items()}):
        formula = formulas[name]
        value = formula.evaluate(values_of(found))
        units = {known: parse_unit(quantity.unit) for known, quantity in found.items()}
        unit = control.quantities[name].unit or show_unit(unit_of(formula, units) or NONE)
        found[name] = Quantity(name, value.number, unit, f"is {formula.text}", "", value.reason)
    return {name: found[name] for name in control.quantities}


def values_of(quantities: Mapping[str, Quantity]) -> dict[str, Value]:
    """The quantities as the values of formulas."""
    return {
        name: Value(quantity.value, "" if quantity.value is not None else f"{name} is not known: {quantity.reason}")
        for name, quantity in quantities.items()
    }


def source_of(entry: QuantityEntry, business_day: date) -> str:
    """Where the number of a quantity that is not derived comes from, in words."""
    way, given = _way(entry)
    return _WAYS[way][1](given, business_day)


def _way(entry: QuantityEntry) -> tuple[str, Any]:
    return next((way, getattr(entry, way)) for way in _WAYS if getattr(entry, way) is not None)


def _measured(name: str, entry: QuantityEntry, place: Place) -> Quantity:
    way, given = _way(entry)
    unit, source = entry.unit or "1", source_of(entry, place.day.business_day)
    try:
        value, sha256, notes = _WAYS[way][0](given, place)
    except (TableError, sql_numbers.SqlError, QuantityError) as error:
        return Quantity(name, None, unit, source, "", str(error))
    return Quantity(name, value, unit, source, sha256, notes=notes)


def _of_file(given: FileTotal, place: Place) -> Taken:
    return (*file_totals.total(given, place.home, place.day), ())


def _of_sql(given: SqlNumber, place: Place) -> Taken:
    value = sql_numbers.ask(given, place.home, place.day.business_day)
    return value, _digest(given.query, place.day.business_day, value), ()


def _of_cdr_headers(given: CdrHeaders, place: Place) -> Taken:
    files = file_totals.files_of(place.home, given.path, place.day.business_day)
    absent = [path for path in files if not path.is_file()]
    if absent:
        raise QuantityError(f"{absent[0]}: the file is missing; ask the sender for it")
    charging = importlib.import_module(CDR_HEADERS)
    for path in files:  # the totals go on without a file that is refused; a figure cannot
        try:
            charging.read_header(path)
        except SourceError as error:
            raise QuantityError(f"{path}: {error}") from error
    totals = charging.totals(files)
    if given.take == "lost" and not totals.lost_exact:
        raise QuantityError(f"the headers say only that at least {totals.lost} CDRs were lost; ask the network element")
    return (
        Decimal(getattr(totals, given.take)),
        _digest(*(f"{checksum(path)}  {path.name}" for path in files)),
        totals.faults,
    )


def _of_run(given: RunField, place: Place) -> Taken:
    folder = place.home / "runs" / given.control / place.day.business_day.isoformat()
    try:
        certificate = load(folder)
    except CertificateError as error:
        raise QuantityError(f"{error}; run {given.control} of that day first") from error
    if certificate.get("control") != given.control or certificate["business_day"] != place.day.business_day.isoformat():
        raise QuantityError(
            f"{folder}: its certificate is of another control or day; run {given.control} of that day again"
        )
    value: Any = certificate
    names = given.take.split(".")
    for depth, name in enumerate(names):
        if isinstance(value, dict) and name in value:
            value = value[name]
            continue
        if given.absent_is_zero and depth == 1 and names[0] == "classes":
            return Decimal(0), str(certificate["hash"]), ()
        raise QuantityError(f"{folder}: its certificate has no {given.take}; look at the names in it")
    return _exact(value, f"{folder}: {given.take}"), str(certificate["hash"]), ()


def _of_value(given: Decimal, place: Place) -> Taken:
    return given, "", ()


def _exact(value: Any, where: str) -> Decimal:
    """A number of a certificate: an integer, or a decimal written as text."""
    if isinstance(value, str):
        return file_totals.number_of(value, where)
    if isinstance(value, bool) or not isinstance(value, int):
        raise QuantityError(f"{where} is {json.dumps(value)[:60]}, which is not an exact number")
    if abs(value) > LARGEST:
        raise QuantityError(f"{where} is beyond 64 bits")
    return Decimal(value)


def _digest(*parts: object) -> str:
    return hashlib.sha256("\n".join(str(part) for part in parts).encode()).hexdigest()


def _file_words(given: FileTotal, business_day: date) -> str:
    if given.percentile is not None:
        what = f"percentile {given.percentile} of {given.of}"
    else:
        ways = (
            ("sum of ", given.sum),
            ("sum of ", given.each),
            ("different ", given.distinct),
            ("gaps in ", given.gaps),
        )
        what = next((f"{words}{column}" for words, column in ways if column), "rows")
    where = ", ".join(f"{column} {condition.words}" for column, condition in given.where.items())
    return f"{what} in {file_totals.filled(given.path, business_day)}" + (f" where {where}" if where else "")


def _sql_words(given: SqlNumber, business_day: date) -> str:
    return f"{given.url}: {' '.join(given.query.split())}"


def _cdr_words(given: CdrHeaders, business_day: date) -> str:
    return f"{given.take} in the headers of {file_totals.filled(given.path, business_day)}"


def _run_words(given: RunField, business_day: date) -> str:
    return f"{given.take} of the run of {given.control} for {business_day}"


_WAYS: Final[Mapping[str, tuple[Callable[[Any, Place], Taken], Callable[[Any, date], str]]]] = {
    "file": (_of_file, _file_words),
    "sql": (_of_sql, _sql_words),
    "cdr_headers": (_of_cdr_headers, _cdr_words),
    "run": (_of_run, _run_words),
    "value": (_of_value, lambda given, business_day: "a constant of the control"),
}
"""The fields of a quantity that is not derived: what takes its number with a checksum, and what says where it is from."""
