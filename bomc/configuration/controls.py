"""Controls in the configuration: each is a target, and its limits are checks, so that it is judged like anything else.

The checks are called `reconciliation-...`: `refused`, `breaks`, `run-missing`, `file-missing`, `file-late`,
`file-changed`, `file-twice`, `cases-overdue` for all controls; `...-NAME` for the limits that one control has of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from checks.check import Check
from checks.registry import PARAMS
from core.model import Target, labels_of
from core.yaml_file import Fault, read_yaml
from reconciliation.controls.definition import read_controls
from reconciliation.controls.entries import EquationControl, Limit, MatchControl

Control = MatchControl | EquationControl
FOLDER: Final = "controls"
KIND: Final = "control"
_NEVER_MORE: Final = {"above": {"critical": 0}, "clear_margin": 0}
_WATCH: Final = {"above": {"warning": 0}, "clear_margin": 0}
_LOOK: Final = "Open the run, look at the classes and what they have in common; the money at risk stands beside them."
_COMMON: Final[tuple[tuple[str, str, Mapping[str, Any], str, str], ...]] = (
    (
        "refused",
        "reconciliation.refused",
        _NEVER_MORE,
        "{target}: {business_day} cannot be reconciled",
        "The run says which file is missing, damaged or does not tie; ask its party to deliver it again.",
    ),
    (
        "run-missing",
        "reconciliation.run_missing",
        _NEVER_MORE,
        "{target}: the run of {business_day} did not happen in time",
        "Look into the log of the pipeline; `bomc reconcile run` runs the day by hand.",
    ),
    (
        "file-missing",
        "reconciliation.arrival.missing",
        _NEVER_MORE,
        "{target}: the {party} file of {business_day} is missing",
        "Ask the party for it. A file that is there and is not what its manifest states is still on its way, or damaged: the "
        "run says which. The day is run by itself once it is whole.",
    ),
    (
        "file-late",
        "reconciliation.arrival.late",
        _WATCH,
        "{target}: the {party} file of {business_day} came late",
        "Tell the party; a file that is late every day needs another time or another way.",
    ),
    (
        "file-changed",
        "reconciliation.arrival.changed",
        _NEVER_MORE,
        "{target}: the {party} file of {business_day} was changed after it had come",
        "Ask the party why, and run the day again; what was signed before does not hold for the new file.",
    ),
    (
        "file-twice",
        "reconciliation.arrival.twice",
        _WATCH,
        "{target}: the {party} file of {business_day} came more than once",
        "Ask the party which one holds, and put the other away.",
    ),
    (
        "cases-overdue",
        "reconciliation.overdue_cases",
        _WATCH,
        "{target}: {value} breaks are past their deadline",
        "Open the breaks that are late, give each an owner and a reason.",
    ),
)


def read(folder: Path) -> tuple[tuple[Control, ...], list[Fault]]:
    """The controls of a configuration folder, and everything that is wrong in their files."""
    controls, faults = read_controls(folder / FOLDER)
    wrong = {control.name: list(_limit_faults(folder, control)) for control in controls}
    sound = tuple(control for control in controls if not wrong[control.name])
    return sound, sorted([*faults, *(fault for found in wrong.values() for fault in found)])


def _limit_faults(folder: Path, control: Control) -> Iterator[Fault]:
    """A fault for each limit whose warning would never be seen, because the critical one holds before it."""
    name = f"{control.name}.yaml"
    for place, limit, worse in _limits(control):
        if limit.warning is not None and limit.critical is not None and worse * (limit.warning - limit.critical) > 0:
            what = "above" if worse > 0 else "below"
            sentence = (
                f"{'.'.join(place)}: the warning, {limit.warning}, is {what} the critical limit, {limit.critical}"
            )
            line = read_yaml(folder / FOLDER / name).line(place)
            yield Fault(f"{FOLDER}/{name}", line, f"{sentence}, and would never be seen")


def _limits(control: Control) -> Iterator[tuple[tuple[str, ...], Limit, int]]:
    """The limits that a control has, where they stand, and whether more (1) or less (-1) is worse."""
    limits = control.limits
    for name, limit, worse in (
        ("breaks", limits.breaks, 1),
        ("at_risk_minor", limits.at_risk_minor, 1),
        ("match_ratio", limits.match_ratio, -1),
    ):
        if limit is not None:
            yield ("limits", name), limit, worse
    for name, limit in sorted(limits.classes.items()):
        yield ("limits", "classes", name), limit, 1


def target_of(control: Control) -> Target:
    """The control as something that is watched."""
    return Target(control.name, KIND, labels_of(control.labels), system=control.system, demo=control.demo)


def checks_of(controls: Sequence[Control]) -> list[Check]:
    """The checks of all controls, none when there is no control."""
    if not controls:
        return []
    found = [
        _check(f"reconciliation-{name}", indicator, params, {"kind": (KIND,)}, summary, runbook)
        for name, indicator, params, summary, runbook in _COMMON
    ]
    usual = tuple(control.name for control in controls if control.limits.breaks is None)
    if usual:
        found.append(_breaks("reconciliation-breaks", _NEVER_MORE, usual, _LOOK))
    for control in controls:
        found += _own(control)
    return found


def _own(control: Control) -> Iterator[Check]:
    limits, name = control.limits, control.name
    runbook = control.runbook or _LOOK
    if limits.breaks is not None:
        yield _breaks(f"reconciliation-breaks-{name}", _from(limits.breaks), (name,), runbook)
    if limits.at_risk_minor is not None:
        yield _check(
            f"reconciliation-at-risk-{name}",
            "reconciliation.at_risk",
            _from(limits.at_risk_minor),
            {"target": (name,)},
            "{target}: {value} at risk on {business_day}",
            runbook,
        )
    if limits.match_ratio is not None:
        yield _check(
            f"reconciliation-match-ratio-{name}",
            "reconciliation.match_ratio",
            {"below": _levels(limits.match_ratio), "clear_margin": 0},
            {"target": (name,)},
            "{target}: only {value} of the keys of {business_day} match",
            runbook,
        )
    for class_name, limit in sorted(limits.classes.items()):
        yield _check(
            f"reconciliation-{class_name}-{name}",
            "reconciliation.breaks",
            _from(limit),
            {"target": (name,), "class": (class_name,)},
            "{target}: {value} breaks of the class " + class_name + " on {business_day}",
            runbook,
        )


def _breaks(name: str, params: Mapping[str, Any], targets: tuple[str, ...], runbook: str) -> Check:
    return _check(
        name,
        "reconciliation.breaks_total",
        params,
        {"target": targets},
        "{target}: {value} breaks on {business_day}",
        runbook,
    )


def _check(
    name: str,
    indicator: str,
    params: Mapping[str, Any],
    select: dict[str, tuple[str, ...]],
    summary: str,
    runbook: str,
) -> Check:
    return Check(
        name=name,
        judge="limit",
        indicator=indicator,
        params=PARAMS["limit"].model_validate(params),
        select=select,
        labels=labels_of({"team": "revenue"}),
        annotations=labels_of({"summary": summary, "runbook": runbook}),
    )


def _from(limit: Limit) -> dict[str, Any]:
    """A control's limit is the number from which it holds; a check's is the one that must not be exceeded. Breaks and
    minor units are whole, so that the one is the whole number before the other."""
    given = {"warning": limit.warning, "critical": limit.critical}
    levels = {name: float(math.ceil(value) - 1) for name, value in given.items() if value is not None}
    return {"above": levels, "clear_margin": 0}


def _levels(limit: Limit) -> dict[str, float]:
    given = {"warning": limit.warning, "critical": limit.critical}
    return {name: float(value) for name, value in given.items() if value is not None}
