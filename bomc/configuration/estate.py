"""The estate: everything configured, checked as a whole. Reading changes nothing and reports every fault at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from alerts.config import RoutesFile, default_routes
from alerts.duty.config import DutyFile
from alerts.duty.plan_config import PlansFile
from alerts.heartbeats.config import Heartbeat, HeartbeatsFile
from alerts.heartbeats.config import faults as heartbeat_faults
from alerts.oncall.config import OnCallFile
from alerts.oncall.faults import faults as oncall_faults
from alerts.oncall.faults import warnings as oncall_warnings
from alerts.routes.faults import faults as route_faults
from alerts.routes.faults import notes as route_notes
from alerts.tickets.book import Book, changed_by, default_book
from alerts.tickets.book import faults as ticket_faults
from alerts.tickets.declared import TicketsFile
from bomc.configuration import duty as duty_files
from bomc.configuration.controls import FOLDER, Control, checks_of, target_of
from bomc.configuration.controls import read as read_controls
from bomc.configuration.maintenance import read as read_maintenance
from bomc.configuration.models import (
    FILES,
    CheckEntry,
    ProbeEntry,
    Settings,
    TargetEntry,
)
from checks.check import Check
from checks.registry import PARAMS
from checks.summary import faults as summary_faults
from collectors.registry import COLLECTORS
from core.model import Probe, Target, labels_of
from core.yaml_file import Document, Fault, Place, read_yaml, sorted_faults

FURTHER = ("routes.yaml", "heartbeats.yaml", "oncall.yaml", "tickets.yaml")
"""Files whose models stand with what they are about."""
PROBE_TIMEOUT = timedelta(seconds=30)
GAPS_WITHIN = timedelta(days=30)
"""How far ahead hours without anybody on call are told."""
Entry = TypeVar("Entry", bound=BaseModel)


class ConfigurationError(Exception):
    """The configuration cannot be used; `faults` are all that is wrong with it."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Estate:
    """A whole and valid configuration; `routes.oncall` is oncall.yaml."""

    settings: Settings
    targets: Mapping[str, Target]
    probes: tuple[Probe, ...]
    checks: tuple[Check, ...]
    routes: RoutesFile
    controls: tuple[Control, ...]
    duty: DutyFile
    plans: PlansFile
    heartbeats: tuple[Heartbeat, ...] = ()
    tickets: Book = dataclass_field(default_factory=default_book)
    notes: tuple[Fault, ...] = ()  # what is not wrong and has no effect


def load_estate(folder: Path) -> Estate:
    """Read the files of `folder`; files that are not there say nothing. Raises ConfigurationError with every fault."""
    if not folder.is_dir():
        raise ConfigurationError(
            [Fault(str(folder), 1, "there is no such folder; `bomc init DIR` makes one to start from")]
        )
    documents = {name: _read(folder / name) for name in (*FILES, *FURTHER, *duty_files.FILES)}
    stray = [
        Fault(path.name, 1, f"this file is not read; known are {', '.join(documents)} and {FOLDER}/NAME.yaml")
        for path in sorted(folder.glob("*.y*ml"))
        if path.name not in documents
    ]
    settings = documents["bomc.yaml"].validate(Settings) if documents["bomc.yaml"].readable else None
    heartbeats = _heartbeats(documents["heartbeats.yaml"])
    oncall = documents["oncall.yaml"].validate(OnCallFile) if documents["oncall.yaml"].readable else None
    routes = _routes(documents["routes.yaml"], (folder / "routes.yaml").exists(), oncall)
    if oncall is not None:
        for place, sentence in oncall_faults(oncall, None if routes is None else routes.by_name):
            documents["oncall.yaml"].fault(place, sentence)
    windows = read_maintenance(documents["maintenance.yaml"], folder)
    tickets = _tickets(documents["tickets.yaml"])
    declared = _declared(documents["targets.yaml"])
    targets = _targets(documents["targets.yaml"], declared)
    probes = _probes(documents["targets.yaml"], declared)
    checks = _checks(documents["checks.yaml"])
    controls, wrong = read_controls(folder)
    wrong += _as_targets(controls, targets, documents["checks.yaml"], checks)
    duty, plans = duty_files.read(documents)
    duty_files.as_targets(duty, targets, documents["duty.yaml"])
    checks += duty_files.checks_of(duty, checks, documents["duty.yaml"])
    faults = sorted(stray + wrong + sorted_faults(documents.values()))
    if faults or routes is None or settings is None or oncall is None or windows is None or tickets is None:
        raise ConfigurationError(faults)
    shown = documents["routes.yaml"]
    routes = routes.beside(oncall).with_maintenance(windows)
    notes = tuple(Fault(shown.file, shown.line(place), sentence) for place, sentence in route_notes(routes))
    return Estate(
        settings=settings,
        targets=targets,
        probes=tuple(probes),
        checks=(*checks, *checks_of(controls)),
        routes=routes,
        controls=controls,
        duty=duty,
        plans=plans,
        heartbeats=heartbeats,
        tickets=tickets,
        notes=notes,
    )


def notes_of(folder: Path, estate: Estate, now: datetime) -> list[Fault]:
    """What is allowed and still worth a look in a valid configuration: hours without anybody on call soon, and the like."""
    document = _read(folder / "oncall.yaml")
    silent = {one.name for one in estate.routes.receivers if not one.channels()}
    for place, sentence in oncall_warnings(estate.routes.oncall, silent, now, GAPS_WITHIN):
        document.fault(place, sentence)
    return sorted_faults([document])


def _read(path: Path) -> Document:
    return read_yaml(path) if path.exists() else Document(file=path.name, value={})


def _routes(document: Document, given: bool, oncall: OnCallFile | None) -> RoutesFile | None:
    if not given:
        return default_routes()
    if not document.readable:
        return None
    routes = document.validate(RoutesFile)
    if routes is not None:
        for place, sentence in route_faults(routes, None if oncall is None else oncall.escalation):
            document.fault(place, sentence)
    return routes


def _heartbeats(document: Document) -> tuple[Heartbeat, ...]:
    found = document.validate(HeartbeatsFile) if document.readable else None
    if found is None:
        return ()
    for place, sentence in heartbeat_faults(found):
        document.fault(place, sentence)
    return tuple(found.heartbeats)


def _tickets(document: Document) -> Book | None:
    if not document.readable:
        return None
    file = document.validate(TicketsFile)
    if file is None:
        return None
    found = list(ticket_faults(file))
    for place, sentence in found:
        document.fault(place, sentence)
    return None if found else changed_by(file)


def _entries(document: Document, name: str, model: type[Entry]) -> list[tuple[int, Entry]]:
    """The sound entries of the list `name` with their places in it; each is read for itself, so none hides another's faults."""
    found = []
    for number, value in enumerate(_list(document, name)):
        entry = document.validate(model, (name, number), value)
        if entry is not None:
            found.append((number, entry))
    return found


def _list(document: Document, name: str) -> list[Any]:
    """The list that a file consists of; anything else in the file is a fault."""
    if not document.readable:
        return []
    if not isinstance(document.value, dict):
        document.fault((), f"the file must hold `{name}:` and a list under it")
        return []
    for other in document.value:
        if other != name:
            document.fault((other,), f"{other!r} is not known here; the file holds only `{name}`")
    values = document.value.get(name) or []
    if not isinstance(values, list):
        document.fault((name,), f"{name} must be a list: lines that begin with a dash")
        return []
    return values


@dataclass(frozen=True, slots=True)
class _Declared:
    """A target as it stands in the file: the sound entry if it is one, and its probes' raw values."""

    number: int
    name: str
    entry: TargetEntry | None
    probes: list[Any]


def _declared(document: Document) -> list[_Declared]:
    found: list[_Declared] = []
    for number, value in enumerate(_list(document, "targets")):
        raw = dict(value) if isinstance(value, dict) else {}
        probes = raw.pop("probes", None) or []
        entry = document.validate(TargetEntry, ("targets", number), raw if isinstance(value, dict) else value)
        if not isinstance(probes, list):
            document.fault(("targets", number, "probes"), "probes must be a list: lines that begin with a dash")
            probes = []
        found.append(_Declared(number, str(raw.get("name", f"number {number + 1}")), entry, probes))
    return found


def _targets(document: Document, declared: list[_Declared]) -> dict[str, Target]:
    found: dict[str, Target] = {}
    names = {item.name for item in declared}
    seen: set[str] = set()
    for item in declared:
        place: Place = ("targets", item.number)
        if item.name in seen:
            document.fault((*place, "name"), f"the target {item.name!r} is declared twice; names are unique")
            continue
        seen.add(item.name)
        if item.entry is None:
            continue
        found[item.name] = _target(item.entry)
        for field in ("runs_on", "depends_on"):
            for order, parent in enumerate(getattr(item.entry, field)):
                if parent not in names:
                    document.fault((*place, field, order), f"{item.name}: there is no target {parent!r}")
    _cycles(document, [(item.number, item.entry) for item in declared if item.entry is not None])
    return found


def _target(entry: TargetEntry) -> Target:
    return Target(
        name=entry.name,
        kind=entry.kind,
        labels=labels_of(entry.labels),
        site=entry.site,
        system=entry.system,
        runs_on=tuple(entry.runs_on),
        depends_on=tuple(entry.depends_on),
        demo=entry.demo,
    )


def _cycles(document: Document, entries: list[tuple[int, TargetEntry]]) -> None:
    """Depth first over the parents; a target that comes again on its own path closes a ring."""
    parents = {entry.name: (*entry.runs_on, *entry.depends_on) for _, entry in entries}
    places = {entry.name: number for number, entry in entries}
    done: set[str] = set()
    for start in parents:
        path = {start: iter(parents[start])} if start not in done else {}
        while path:
            name = next(reversed(path))
            parent = next(path[name], None)
            if parent is None:
                done.add(name)
                del path[name]
            elif parent in path:
                ring = " -> ".join([*list(path)[list(path).index(parent) :], parent])
                document.fault(("targets", places[parent]), f"targets depend on each other in a ring: {ring}")
            elif parent in parents and parent not in done:
                path[parent] = iter(parents[parent])


def _probes(document: Document, declared: list[_Declared]) -> list[Probe]:
    found: dict[str, Probe] = {}
    for item in declared:
        for order, value in enumerate(item.probes):
            place: Place = ("targets", item.number, "probes", order)
            probe = _probe(document, place, item.name, value)
            if probe is None:
                continue
            if probe.key in found:
                sentence = f"{item.name} has two probes named {probe.name!r}; give one of them another `name`"
                document.fault(place, sentence)
            found[probe.key] = probe
    return list(found.values())


def _probe(document: Document, place: Place, target: str, value: Any) -> Probe | None:
    entry = document.validate(ProbeEntry, place, value)
    raw = value if isinstance(value, dict) else {}
    name = raw.get("collect")
    collector = COLLECTORS.get(name) if isinstance(name, str) else None
    if collector is None:
        if isinstance(name, str):
            known = ", ".join(sorted(COLLECTORS))
            document.fault((*place, "collect"), f"{target}: there is no collector {name!r}; there are {known}")
        return None
    settings = document.validate(collector.Config, (*place, "with"), raw.get("with") or {})
    if entry is None or settings is None:
        return None
    timeout = entry.timeout or min(entry.every, PROBE_TIMEOUT)
    return Probe(
        target=target,
        collector=entry.collect,
        every_s=entry.every.total_seconds(),
        timeout_s=timeout.total_seconds(),
        settings=settings,
        name=entry.name or entry.collect,
    )


def _checks(document: Document) -> list[Check]:
    found: dict[str, Check] = {}
    for number, value in enumerate(_list(document, "checks")):
        place: Place = ("checks", number)
        check = _check(document, place, value)
        if check is None:
            continue
        if check.name in found:
            document.fault((*place, "name"), f"the check {check.name!r} is declared twice; names are unique")
        found[check.name] = check
    return list(found.values())


def _check(document: Document, place: Place, value: Any) -> Check | None:
    """The check at `place`; its judgement's settings are looked at even when something else of it is wrong."""
    entry = document.validate(CheckEntry, place, value)
    raw = value if isinstance(value, dict) else {}
    name, judge, summary = raw.get("name"), raw.get("judge"), raw.get("summary")
    model = PARAMS.get(judge) if isinstance(judge, str) else None
    params = None if model is None else document.validate(model, (*place, "with"), raw.get("with") or {})
    if model is None and isinstance(judge, str):
        document.fault((*place, "judge"), f"{name}: there is no judgement {judge!r}; there are {', '.join(PARAMS)}")
    for sentence in summary_faults(summary if isinstance(summary, str) else ""):
        document.fault((*place, "summary"), f"{name}: summary: {sentence}")
    if entry is None or params is None:
        return None
    return Check(
        name=entry.name,
        judge=entry.judge,
        indicator=entry.indicator,
        params=params,
        select={name: tuple(choices) for name, choices in entry.select.items()},
        labels=labels_of(entry.labels),
        annotations=labels_of({"summary": entry.summary, "runbook": entry.runbook}),
    )


def _as_targets(
    controls: Sequence[Control], targets: dict[str, Target], document: Document, checks: Sequence[Check]
) -> list[Fault]:
    """Add each control to the targets; a fault for each whose name, or whose check's, is taken already."""
    faults = []
    for control in controls:
        if control.name in targets:
            sentence = f"name: {control.name!r} is already the name of a target; names are unique"
            faults.append(Fault(f"{FOLDER}/{control.name}.yaml", 1, sentence))
            continue
        targets[control.name] = target_of(control)
    taken = {check.name for check in checks} & {check.name for check in checks_of(controls)}
    for number, raw in enumerate(document.value["checks"] if taken else ()):
        name = raw.get("name") if isinstance(raw, dict) else None
        if name in taken:
            sentence = (
                f"{name}: the controls make a check of this name; give yours another, or set a control's `limits`"
            )
            document.fault(("checks", number, "name"), sentence)
    return faults
