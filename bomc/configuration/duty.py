"""duty.yaml and job_plans.yaml: read, checked as a whole, and the desks as targets with checks of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel

from alerts.duty import config, plan_config
from alerts.duty.config import DutyFile
from alerts.duty.plan_config import PlansFile
from checks.check import Check
from checks.registry import PARAMS
from core.model import Target, labels_of
from core.yaml_file import Document

KIND: Final = "duty_desk"
FILES: Final[Mapping[str, type[BaseModel]]] = {"duty.yaml": DutyFile, "job_plans.yaml": PlansFile}
_ABOVE_NONE: Final = {"above": {"warning": 0}, "clear_margin": 0}
_CHECKS: Final = (
    (
        "job-plan-missed",
        "duty.job_missed",
        "{target}: the job {plan} of {day} was not done by its time",
        "Open the job under Job plans, do what its checklist says, and finish it; late is better than never.",
    ),
    (
        "handover-not-accepted",
        "duty.handover_overdue",
        "{target}: nobody has accepted the handover to the shift {shift}",
        "Open the handover under Duty desk: the outgoing shift prepares it, the incoming checks and signs it.",
    ),
)


def read(documents: Mapping[str, Document]) -> tuple[DutyFile, PlansFile]:
    """The two files; what is wrong with them is noted in the documents, and then stands for an empty file."""
    duty = _validated(documents["duty.yaml"], DutyFile)
    plans = _validated(documents["job_plans.yaml"], PlansFile)
    if duty is not None:
        for place, sentence in config.faults(duty):
            documents["duty.yaml"].fault(place, sentence)
    if plans is not None and duty is not None:
        for place, sentence in plan_config.faults(plans, set(duty.by_name)):
            documents["job_plans.yaml"].fault(place, sentence)
    return duty or DutyFile(), plans or PlansFile()


def _validated(document: Document, model: Any) -> Any:
    return document.validate(model) if document.readable else None


def as_targets(duty: DutyFile, targets: dict[str, Target], document: Document) -> None:
    """Add each desk to the targets; a fault for each whose name is taken already."""
    for number, desk in enumerate(duty.desks):
        if desk.name in targets:
            sentence = f"{desk.name!r} is already the name of a target; names are unique"
            document.fault(("desks", number, "name"), sentence)
            continue
        targets[desk.name] = Target(desk.name, KIND, demo=desk.demo)


def checks_of(duty: DutyFile, taken: Sequence[Check], document: Document) -> list[Check]:
    """The checks of all desks, none when there is no desk; a fault for each whose name a check of yours has."""
    if not duty.desks:
        return []
    names = {check.name for check in taken}
    for name, *_rest in _CHECKS:
        if name in names:
            sentence = f"the desks make a check of the name {name!r}; give yours in checks.yaml another"
            document.fault(("desks",), sentence)
    return [
        Check(
            name=name,
            judge="limit",
            indicator=indicator,
            params=PARAMS["limit"].model_validate(_ABOVE_NONE),
            select={"kind": (KIND,)},
            labels=labels_of({"team": "duty"}),
            annotations=labels_of({"summary": summary, "runbook": runbook}),
        )
        for name, indicator, summary, runbook in _CHECKS
    ]
