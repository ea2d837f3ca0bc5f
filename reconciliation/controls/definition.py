"""Controls read from their files, one YAML file each, with every fault of every file at once.

`read_controls` is for a folder, `load_control` for one document. A file is looked at in three steps: its own fields (the
models of `entries`), what they name (columns, classes, sources and their settings, formulas and units), and, over all
files, the controls that refer to each other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.yaml_file import Document, Fault, Place, read_yaml, sorted_faults
from reconciliation.controls import equation_faults, match_faults
from reconciliation.controls.entries import (
    KINDS,
    OUT_OF_BALANCE,
    Balance,
    BatchPass,
    Calendar,
    Common,
    Control,
    EquationControl,
    FuzzyPass,
    Limit,
    Limits,
    Loser,
    MatchControl,
    PartyEntry,
    Pass,
    Schedule,
    Title,
    Tolerance,
    TolerancePass,
)
from reconciliation.controls.quantity_entries import (
    CdrHeaders,
    Condition,
    FileTotal,
    QuantityEntry,
    RunField,
    SqlNumber,
)
from reconciliation.controls.rings import rings

__all__ = [
    "KINDS",
    "OUT_OF_BALANCE",
    "Balance",
    "BatchPass",
    "Calendar",
    "CdrHeaders",
    "Common",
    "Condition",
    "Control",
    "EquationControl",
    "FileTotal",
    "FuzzyPass",
    "Limit",
    "Limits",
    "Loser",
    "MatchControl",
    "PartyEntry",
    "Pass",
    "QuantityEntry",
    "RunField",
    "Schedule",
    "SqlNumber",
    "Title",
    "Tolerance",
    "TolerancePass",
    "load_control",
    "read_controls",
]

SUFFIX = ".yaml"
FAULTS: Mapping[str, Callable[[Document, Mapping[str, Any]], None]] = {
    "match": match_faults.find,
    "equation": equation_faults.find,
}
"""What looks for faults beyond single fields, in whatever can be read of a control."""


def read_controls(folder: Path) -> tuple[tuple[MatchControl | EquationControl, ...], list[Fault]]:
    """The controls of a folder, ordered by name, and everything that is wrong in their files.

    A folder that is not there holds no control. Faults name the file below the folder's name (`controls/NAME.yaml`).
    Controls with faults of their own are left out.
    """
    documents: list[Document] = []
    stray: list[Fault] = []
    for path in sorted(folder.glob("*")) if folder.is_dir() else ():
        shown = f"{folder.name}/{path.name}"
        if path.suffix == SUFFIX and path.is_file():
            documents.append(read_yaml(path, shown))
        elif path.suffix == ".yml":
            stray.append(Fault(shown, 1, f"this file is not read; a control's file is called NAME{SUFFIX}"))
    controls = [(document, load_control(document)) for document in documents]
    _among_themselves(controls)
    faulty = {fault.file for document in documents for fault in document.faults}
    sound = [control for document, control in controls if control is not None and document.file not in faulty]
    return tuple(sorted(sound, key=lambda control: control.name)), sorted([*stray, *sorted_faults(documents)])


def load_control(document: Document) -> MatchControl | EquationControl | None:
    """The control of one document, with its faults noted there; None when its own fields have some."""
    if not document.readable:
        return None
    if not isinstance(document.value, dict):
        document.fault((), "the file must hold one control: name, title, kind, schedule and so on")
        return None
    kind = document.value.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        found = f", not {kind!r}" if "kind" in document.value else "; it is missing"
        document.fault(("kind",), f"kind must be match or equation{found}")
        return None
    control = document.validate(KINDS[kind])
    _named_as_its_file(document)
    FAULTS[kind](document, document.value)
    return control


def _named_as_its_file(document: Document) -> None:
    name = document.value.get("name")
    stem = Path(document.file).name.removesuffix(SUFFIX)
    if isinstance(name, str) and name != stem:
        document.fault(("name",), f"the control {name!r} stands in a file of another name; call it {name}{SUFFIX}")


def _among_themselves(found: Sequence[tuple[Document, MatchControl | EquationControl | None]]) -> None:
    """Names that are used twice, and references from control to control."""
    owners: dict[str, Document] = {}
    edges: dict[str, tuple[str, ...]] = {}
    for document, _ in found:
        name = document.value.get("name") if isinstance(document.value, dict) else None
        if not isinstance(name, str):
            continue
        if name in owners:
            document.fault(
                ("name",), f"the control {name!r} is defined in {owners[name].file} already; names are unique"
            )
            continue
        owners[name] = document
        edges[name] = tuple(other for _, other in _referred(document))
    for name, document in owners.items():
        for place, other in _referred(document):
            if other == name:
                document.fault(place, f"{place[1]}: the control refers to its own run; name another")
            elif other not in owners:
                document.fault(place, f"{place[1]}: there is no control {other!r}")
    classes = {control.name: _classes_of(control) for document, control in found if control and not document.faults}
    for document, control in found:
        _classes_referred(document, control, classes)
    for ring in rings(edges):
        if len(ring) > 2:  # a control that refers to itself is said where it does
            owners[ring[0]].fault(("quantities",), f"controls refer to each other in a ring: {' -> '.join(ring)}")


def _classes_referred(
    document: Document, control: MatchControl | EquationControl | None, known: Mapping[str, Collection[str]]
) -> None:
    """A class that the other control's rules cannot find would be 0 for ever."""
    for name, entry in control.quantities.items() if isinstance(control, EquationControl) else ():
        wanted = entry.run.class_name if entry.run is not None else None
        if entry.run is not None and wanted and wanted not in known.get(entry.run.control, {wanted}):
            sentence = f"{name}: the control {entry.run.control!r} has no class {wanted!r}"
            document.fault(("quantities", name, "run", "take"), sentence)


def _classes_of(control: MatchControl | EquationControl) -> tuple[str, ...]:
    if isinstance(control, EquationControl):
        return (OUT_OF_BALANCE,)
    return match_faults.classes_of(control.rules, tuple(control.parties))


def _referred(document: Document) -> list[tuple[Place, str]]:
    """Where the control refers to another control's run, and to which."""
    found: list[tuple[Place, str]] = []
    quantities = document.value.get("quantities") if isinstance(document.value, dict) else None
    for name, raw in quantities.items() if isinstance(quantities, dict) else ():
        run = raw.get("run") if isinstance(raw, dict) else None
        if isinstance(run, dict) and isinstance(run.get("control"), str):
            found.append((("quantities", name, "run", "control"), run["control"]))
    return found
