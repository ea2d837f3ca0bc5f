"""What is wrong in an equation beyond its single fields: names, rings and units of its formulas, and what is unused."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from core.yaml_file import Document, Place
from reconciliation.controls.entries import OUT_OF_BALANCE
from reconciliation.controls.formula import FUNCTIONS, Formula, FormulaError, parse
from reconciliation.controls.match_faults import unknown_columns
from reconciliation.controls.quantity_entries import QuantityEntry
from reconciliation.controls.rings import ordered, rings
from reconciliation.controls.units import MONEY, Unit, UnitError, parse_unit, show_unit, unit_of
from reconciliation.standard_record import COLUMNS

Quantities = Mapping[str, QuantityEntry | None]
"""By name; None stands for one whose own fields have faults."""


def find(document: Document, raw: Mapping[str, Any]) -> None:
    """Note every fault of the equation whose fields are `raw`; fields that have faults of their own are passed over."""
    quantities = _quantities(raw)
    formulas = _formulas(document, raw, quantities)
    _unused(document, raw, quantities, formulas)
    limits = raw.get("limits")
    classes = limits.get("classes") if isinstance(limits, dict) else None
    for name in classes if isinstance(classes, dict) else ():
        if name != OUT_OF_BALANCE:
            sentence = f"limits.classes: an equation has the class {OUT_OF_BALANCE} alone, not {name!r}"
            document.fault(("limits", "classes", name), sentence)
    for name in quantities:
        place: Place = ("quantities", name)
        if name in FUNCTIONS:
            document.fault(place, f"{name} is a function of formulas; give the quantity another name")
        unknown_columns(document, (*place, "file"), _standard_columns(raw["quantities"][name]), COLUMNS)
    edges = {name: formulas[name].names for name in formulas if name in quantities}
    closed = rings(edges)
    for ring in closed:
        sentence = f"quantities are derived from each other in a ring: {' -> '.join(ring)}"
        document.fault(("quantities", ring[0]), sentence)
    ringed = {name for ring in closed for name in ring}
    order = ordered({name: before for name, before in edges.items() if name not in ringed})
    _units(document, raw, quantities, formulas, order)


def _quantities(raw: Mapping[str, Any]) -> dict[str, QuantityEntry | None]:
    found: dict[str, QuantityEntry | None] = {}
    quantities = raw.get("quantities")
    for name, value in quantities.items() if isinstance(quantities, dict) else ():
        try:
            found[name] = QuantityEntry.model_validate(value)
        except ValidationError:  # it is among the document's faults already
            found[name] = None
    return found


def _standard_columns(entry: Any) -> list[str]:
    """The columns of the standard record that a quantity names, whatever else is wrong in it."""
    file = entry.get("file") if isinstance(entry, dict) else None
    if not isinstance(file, dict) or file.get("source") != "standard":
        return []
    named = [file[field] for field in ("sum", "distinct", "gaps", "of") if isinstance(file.get(field), str)]
    with contextlib.suppress(FormulaError):  # it is among the document's faults already
        named += parse(file["each"]).names if isinstance(file.get("each"), str) else ()
    where = file.get("where")
    return [*named, *(name for name in where if isinstance(name, str))] if isinstance(where, dict) else named


def _texts(raw: Mapping[str, Any], quantities: Quantities) -> dict[str, tuple[Place, str]]:
    """Every formula that is written: of a quantity under its name, of the control as `formula:` and `at_risk:`."""
    texts: dict[str, tuple[Place, str]] = {}
    for name in quantities:
        entry = raw["quantities"][name]
        if isinstance(entry, dict) and isinstance(entry.get("is"), str) and entry["is"]:
            texts[name] = (("quantities", name, "is"), entry["is"])
    for field in ("formula", "at_risk"):
        if isinstance(raw.get(field), str):
            texts[f"{field}:"] = ((field,), raw[field])
    return texts


def _formulas(document: Document, raw: Mapping[str, Any], quantities: Quantities) -> dict[str, Formula]:
    """The formulas that can be read; what they name must exist."""
    found: dict[str, Formula] = {}
    for key, (place, text) in _texts(raw, quantities).items():
        shown = key.removesuffix(":")
        try:
            found[key] = parse(text)
        except FormulaError as error:
            document.fault(place, f"{shown}: {error}")
            continue
        for name in found[key].names:
            if name not in quantities:
                document.fault(place, f"{shown}: there is no quantity {name!r}; there are {', '.join(quantities)}")
    return found


def _unused(
    document: Document, raw: Mapping[str, Any], quantities: Quantities, formulas: Mapping[str, Formula]
) -> None:
    """A quantity that neither the result nor the money at risk needs is a fault: somebody thinks that it counts."""
    if {"formula:", *_texts(raw, quantities)} - formulas.keys():
        return  # what a part that cannot be read uses is not known
    wanted = ["formula:", "at_risk:"]
    used: set[str] = set()
    while wanted:
        key = wanted.pop()
        more = [name for name in formulas[key].names if name not in used] if key in formulas else []
        used.update(more)
        wanted += more
    for name in quantities:
        if name not in used:
            document.fault(("quantities", name), f"{name} is used by no formula; use it or take it out")


def _units(
    document: Document,
    raw: Mapping[str, Any],
    quantities: Quantities,
    formulas: Mapping[str, Formula],
    order: list[str],
) -> None:
    units: dict[str, Unit] = {}
    for name, entry in quantities.items():
        unit = _stated(document, ("quantities", name, "unit"), entry.unit if entry is not None else None)
        if unit is not None:
            units[name] = unit
    for name in order:
        found = _result(document, ("quantities", name, "is"), name, formulas[name], units, units.get(name))
        if found is not None:
            units.setdefault(name, found)
    text = raw.get("unit")
    result = _stated(document, ("unit",), text if isinstance(text, str) else None)
    if "formula:" in formulas:
        _result(document, ("formula",), "formula", formulas["formula:"], units, result)
    if "at_risk:" in formulas:
        money = parse_unit(next(iter(MONEY)))
        _result(document, ("at_risk",), "at_risk", formulas["at_risk:"], units, money)


def _stated(document: Document, place: Place, text: str | None) -> Unit | None:
    try:
        return None if text is None else parse_unit(text)
    except UnitError as error:
        document.fault(place, str(error))
        return None


def _result(
    document: Document, place: Place, shown: str, formula: Formula, units: Mapping[str, Unit], stated: Unit | None
) -> Unit | None:
    """The unit of a formula's result, which must be the stated one where one is stated."""
    try:
        found = unit_of(formula, units)
    except UnitError as error:
        document.fault(place, f"{shown}: {error}")
        return None
    if found is not None and stated is not None and found != stated:
        sentence = f"{shown}: unbalanced: the result is in {show_unit(found)}, but {show_unit(stated)} is stated"
        document.fault(place, sentence)
    return found
