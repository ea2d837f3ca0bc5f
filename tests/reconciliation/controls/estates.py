"""Folders of controls and days of files for the tests of controls."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from core.yaml_file import Fault, parse_yaml
from reconciliation.controls.definition import EquationControl, load_control, read_controls

DAY = date(2026, 11, 1)


def table(home: Path, name: str, rows: Iterable[Mapping[str, object]], day: date = DAY) -> Path:
    """A CSV file of these rows in the day's exchange folder."""
    rows = list(rows)
    path = home / "exchange" / day.isoformat() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def equation(text: str) -> EquationControl:
    """The sound equation that the text defines; the usual head is put before it."""
    head = 'name: x\ntitle: {en: X, zh: 甲}\nkind: equation\nschedule: {at: "09:30"}\n'
    document = parse_yaml(head + text, "x.yaml")
    control = load_control(document)
    assert document.faults == []
    assert isinstance(control, EquationControl)
    return control


def faults_of(folder: Path, **files: str) -> list[str]:
    """The faults of controls written as files, as `FILE:LINE: sentence`."""
    return [str(fault) for fault in read(folder, **files)[1]]


def read(folder: Path, **files: str) -> tuple[tuple[Any, ...], list[Fault]]:
    """The controls and faults of a folder with these files."""
    place = folder / "controls"
    place.mkdir(exist_ok=True)
    for name, text in files.items():
        (place / f"{name.replace('_', '-')}.yaml").write_text(text, encoding="utf-8")
    return read_controls(place)
