"""The estate: everything configured, checked as a whole. Reading changes nothing and reports every fault at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel

from alerts.config import RoutesFile, default_routes
from alerts.config import faults as route_faults
from bomc.configuration.models import (
    FILES,
    CheckEntry,
    ChecksFile,
    ControlEntry,
    ControlsFile,
    ProbeEntry,
    Settings,
    TargetEntry,
    TargetsFile,
)
from checks.check import Check
from checks.registry import PARAMS
from checks.summary import faults as summary_faults
from collectors.registry import COLLECTORS
from core.model import Probe, Target, labels_of
from core.yaml_file import Document, Fault, Place, read_yaml, sorted_faults

PROBE_TIMEOUT = timedelta(seconds=30)
CONTROL_KIND = "control"


class ConfigurationError(Exception):
    """The configuration cannot be used; `faults` are all that is wrong with it."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Estate:
    """A whole and valid configuration."""

    settings: Settings
    targets: Mapping[str, Target]
    probes: tuple[Probe, ...]
    checks: tuple[Check, ...]
    routes: RoutesFile
    controls: tuple[ControlEntry, ...]


def load_estate(folder: Path) -> Estate:
    """Read the files of `folder`; files that are not there say nothing. Raises ConfigurationError with every fault."""
    if not folder.is_dir():
        raise ConfigurationError(
            [Fault(str(folder), 1, "there is no such folder; `bomc init DIR` makes one to start from")]
        )
    documents = {name: _read(folder / name) for name in (*FILES, "routes.yaml")}
    stray = [
        Fault(path.name, 1, f"this file is not read; known are {', '.join(documents)}")
        for path in sorted(folder.glob("*.y*ml"))
        if path.name not in documents
    ]
    parts: dict[str, BaseModel | None] = {
        name: documents[name].validate(model) for name, model in FILES.items() if not documents[name].faults
    }
    routes = _routes(documents["routes.yaml"], (folder / "routes.yaml").exists())
    targets = _targets(documents["targets.yaml"], parts.get("targets.yaml"))
    controls = _controls(documents["controls.yaml"], parts.get("controls.yaml"), targets)
    probes = _probes(documents["targets.yaml"], parts.get("targets.yaml"))
    checks = _checks(documents["checks.yaml"], parts.get("checks.yaml"))
    faults = sorted(stray + sorted_faults(documents.values()))
    settings = parts.get("bomc.yaml")
    if faults or routes is None or not isinstance(settings, Settings):
        raise ConfigurationError(faults)
    return Estate(settings, targets, tuple(probes), tuple(checks), routes, tuple(controls))


def _read(path: Path) -> Document:
    return read_yaml(path) if path.exists() else Document(file=path.name, value={})


def _routes(document: Document, given: bool) -> RoutesFile | None:
    if not given:
        return default_routes()
    if document.faults:
        return None
    routes = document.validate(RoutesFile)
    if routes is not None:
        for place, sentence in route_faults(routes):
            document.fault(place, sentence)
    return routes


def _targets(document: Document, file: BaseModel | None) -> dict[str, Target]:
    if not isinstance(file, TargetsFile):
        return {}
    found: dict[str, Target] = {}
    for number, entry in enumerate(file.targets):
        place: Place = ("targets", number)
        if entry.name in found:
            document.fault((*place, "name"), f"the target {entry.name!r} is declared twice; names are unique")
            continue
        found[entry.name] = _target(entry)
    names = {entry.name for entry in file.targets}
    for number, entry in enumerate(file.targets):
        for field in ("runs_on", "depends_on"):
            for order, parent in enumerate(getattr(entry, field)):
                if parent not in names:
                    document.fault(("targets", number, field, order), f"{entry.name}: there is no target {parent!r}")
    _cycles(document, file)
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


def _cycles(document: Document, file: TargetsFile) -> None:
    parents = {entry.name: (*entry.runs_on, *entry.depends_on) for entry in file.targets}
    places = {entry.name: number for number, entry in enumerate(file.targets)}
    done: set[str] = set()
    for start in parents:
        path: list[str] = []
        open_: list[tuple[str, int]] = [(start, 0)]
        while open_:
            name, depth = open_.pop()
            del path[depth:]
            if name in path:
                ring = " -> ".join([*path[path.index(name) :], name])
                document.fault(("targets", places[name]), f"targets depend on each other in a ring: {ring}")
                done.update(path)
                break
            if name in done or name not in parents:
                continue
            path.append(name)
            open_.extend((parent, depth + 1) for parent in parents[name])
        done.add(start)


def _probes(document: Document, file: BaseModel | None) -> list[Probe]:
    if not isinstance(file, TargetsFile):
        return []
    found: dict[str, Probe] = {}
    for number, target in enumerate(file.targets):
        for order, entry in enumerate(target.probes):
            place: Place = ("targets", number, "probes", order)
            probe = _probe(document, place, target.name, entry)
            if probe is None:
                continue
            if probe.key in found:
                sentence = f"{target.name} has two probes named {probe.name!r}; give one of them another `name`"
                document.fault(place, sentence)
            found[probe.key] = probe
    return list(found.values())


def _probe(document: Document, place: Place, target: str, entry: ProbeEntry) -> Probe | None:
    collector = COLLECTORS.get(entry.collect)
    if collector is None:
        known = ", ".join(sorted(COLLECTORS))
        document.fault((*place, "collect"), f"{target}: there is no collector {entry.collect!r}; there are {known}")
        return None
    settings = document.validate(collector.Config, (*place, "with"), entry.settings)
    timeout = entry.timeout or min(entry.every, PROBE_TIMEOUT)
    return Probe(
        target=target,
        collector=entry.collect,
        every_s=entry.every.total_seconds(),
        timeout_s=timeout.total_seconds(),
        settings=settings,
        name=entry.name or entry.collect,
    )


def _checks(document: Document, file: BaseModel | None) -> list[Check]:
    if not isinstance(file, ChecksFile):
        return []
    found: dict[str, Check] = {}
    for number, entry in enumerate(file.checks):
        place: Place = ("checks", number)
        if entry.name in found:
            document.fault((*place, "name"), f"the check {entry.name!r} is declared twice; names are unique")
        check = _check(document, place, entry)
        if check is not None:
            found[entry.name] = check
    return list(found.values())


def _check(document: Document, place: Place, entry: CheckEntry) -> Check | None:
    model = PARAMS.get(entry.judge)
    if model is None:
        document.fault(
            (*place, "judge"), f"{entry.name}: there is no judgement {entry.judge!r}; there are {', '.join(PARAMS)}"
        )
        return None
    params = document.validate(model, (*place, "with"), entry.params)
    if params is None:
        return None
    for sentence in summary_faults(entry.summary):
        document.fault((*place, "summary"), f"{entry.name}: summary: {sentence}")
    texts = {"summary": entry.summary, "runbook": entry.runbook}
    return Check(
        name=entry.name,
        judge=entry.judge,
        indicator=entry.indicator,
        params=params,
        select={name: tuple(choices) for name, choices in entry.select.items()},
        labels=labels_of(entry.labels),
        annotations=labels_of(texts),
    )


def _controls(document: Document, file: BaseModel | None, targets: dict[str, Target]) -> list[ControlEntry]:
    """The controls; each is a target too, so that its outcome is judged like anything else."""
    if not isinstance(file, ControlsFile):
        return []
    for number, entry in enumerate(file.controls):
        if entry.name in targets:
            sentence = f"{entry.name!r} is already the name of a target or a control; names are unique"
            document.fault(("controls", number, "name"), sentence)
            continue
        targets[entry.name] = Target(
            entry.name, CONTROL_KIND, labels_of(entry.labels), system=entry.system, demo=entry.demo
        )
    return file.controls
