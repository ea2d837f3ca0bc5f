"""What may stand in the configuration files; docs/configuration.md is made from these models."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from alerts.muting.maintenance import MaintenanceFile
from core.duration import Duration
from core.fields import LabelName, Part, TimeZone
from core.secrets import SecretRef

Name = Annotated[
    str,
    Field(min_length=1, max_length=120, pattern=r"^\w[\w .:@-]*$", description="A name: letters, digits, _ . : @ -"),
]


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Texts = Annotated[list[str], BeforeValidator(_listed), Field(min_length=1)]


class Operator(Part):
    """Whose console it is, and by which calendar its business runs."""

    name: str = Field(default="bomc", min_length=1, description="Shown on every page.")
    timezone: TimeZone = Field(default="Asia/Shanghai", description="Business days are days of this zone.")
    language: Literal["zh_CN", "en"] = Field(default="zh_CN", description="Language of people who chose none.")


class Store(Part):
    """Where everything is kept."""

    url: str = Field(
        default="sqlite:///bomc.db",
        description="sqlite:///FILE (relative to the home folder), postgresql://..., or env:NAME / file:PATH that holds it.",
    )


class ConsoleSettings(Part):
    """Where the console listens and how long people stay logged in."""

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8050, ge=1, le=65535, description="Port to listen on; BOMC_PORT overrides it.")
    external_url: str | None = Field(default=None, description="How people's browsers reach it, if not host and port.")
    session_idle: Duration = Field(default=timedelta(hours=8), description="Logged out after so long without a click.")
    session_absolute: Duration = Field(default=timedelta(hours=24), description="Logged out after so long in any case.")


class Retention(Part):
    """How long measurements are kept at each resolution."""

    raw: Duration = Field(default=timedelta(days=7), description="Every sample.")
    rollup_5m: Duration = Field(default=timedelta(days=90), description="Minimum, maximum, mean and last of 5 minutes.")
    rollup_1h: Duration = Field(default=timedelta(days=1095), description="The same of an hour.")
    rollup_1d: Duration = Field(default=timedelta(days=3650), description="The same of a day (UTC).")

    @model_validator(mode="after")
    def _rising(self) -> Retention:
        if self.raw < timedelta(hours=1):
            raise ValueError("raw must be at least 1h: roll-ups are made from it")
        return self


class Pipeline(Part):
    """How much is probed at the same time."""

    workers: int = Field(default=16, ge=1, le=256, description="Probes of one kind that run at the same time.")
    batch: int = Field(default=20_000, ge=1, le=200_000, description="Samples that one transaction takes at most.")
    queue: int = Field(default=2_000, ge=10, le=100_000, description="Outcomes that may wait for the writer.")


class OwnHeartbeat(Part):
    """The console's own heartbeat: an address that is asked again and again, and that notices when that stops."""

    url: SecretRef = Field(description="env:NAME or file:PATH that holds the http:// or https:// address.")
    every: Duration = Field(default=timedelta(minutes=1), description="Time between two beats.")
    method: Literal["GET", "POST"] = Field(default="GET", description="How the address is asked.")

    @model_validator(mode="after")
    def _some_time(self) -> OwnHeartbeat:
        if self.every < timedelta(seconds=5):
            raise ValueError("every: a heartbeat is sent every 5s at most")
        return self


class Settings(Part):
    """bomc.yaml: the console itself."""

    operator: Operator = Operator()
    store: Store = Store()
    console: ConsoleSettings = ConsoleSettings()
    retention: Retention = Retention()
    pipeline: Pipeline = Pipeline()
    heartbeat: OwnHeartbeat | None = Field(default=None, description="Where the console's own heartbeat is sent.")


class ProbeEntry(Part):
    """One question asked again and again."""

    collect: str = Field(description="The collector that asks; docs/configuration.md lists them with their settings.")
    name: Name | None = Field(default=None, description="Unique in the target; the collector's name if not given.")
    every: Duration = Field(default=timedelta(seconds=60), description="Time between two questions.")
    timeout: Duration | None = Field(
        default=None, description="Wall-clock limit of one; at most `every`, which it is if not given (or 30 s)."
    )
    settings: dict[str, Any] = Field(default={}, alias="with", description="The collector's own settings.")

    @model_validator(mode="after")
    def _sensible(self) -> ProbeEntry:
        if self.every < timedelta(milliseconds=200):
            raise ValueError("every: a probe cannot be asked more often than every 200ms")
        if self.timeout is not None and not timedelta() < self.timeout <= self.every:
            raise ValueError("timeout: it must be longer than nothing and at most as long as `every`")
        return self


class TargetEntry(Part):
    """One thing that is watched."""

    name: Name
    kind: Literal[
        "host",
        "network",
        "database",
        "middleware",
        "storage",
        "web_server",
        "http",
        "business",
        "service",
        "exporter",
        "control",
    ] = Field(description="Its class.")
    labels: dict[LabelName, str] = Field(default={}, description="Labels for routes, checks and filters.")
    site: str = Field(default="", description="Where it stands.")
    system: str = Field(default="", description="The application system that it belongs to.")
    runs_on: list[str] = Field(default=[], description="Targets that it stands on.")
    depends_on: list[str] = Field(default=[], description="Targets that it needs.")
    demo: bool = Field(default=False, description="Its measurements are made up, and every page says so.")
    probes: list[ProbeEntry] = Field(default=[], description="How it is probed.")


class TargetsFile(Part):
    """targets.yaml: what is watched, and how."""

    targets: list[TargetEntry] = Field(default=[])


class CheckEntry(Part):
    """One judgement over every series that it matches."""

    name: Name
    judge: str = Field(description="The kind of judgement: limit, rate or absence.")
    indicator: str = Field(
        min_length=1, description="The indicator's name; a trailing * matches every one that starts so."
    )
    select: dict[str, Texts] = Field(
        default={},
        description="target, kind, site, system, probe, or any label of target or series, each with a value or several.",
    )
    params: dict[str, Any] = Field(default={}, alias="with", description="The judgement's own settings.")
    labels: dict[LabelName, str] = Field(default={}, description="Labels that its alerts get.")
    summary: str = Field(
        default="", description="Title of its alerts; {target}, {value}, {indicator} and labels are filled in."
    )
    runbook: str = Field(default="", description="What to do first.")


class ChecksFile(Part):
    """checks.yaml: how measurements are judged."""

    checks: list[CheckEntry] = Field(default=[])


FILES: dict[str, type[BaseModel]] = {
    "bomc.yaml": Settings,
    "targets.yaml": TargetsFile,
    "checks.yaml": ChecksFile,
    "maintenance.yaml": MaintenanceFile,
}
"""File by file; routes.yaml has its model in alerts.config, oncall.yaml in alerts.oncall.config, controls/NAME.yaml in
reconciliation.controls.entries."""


def home_path(home: Path, place: str) -> Path:
    """A path of the configuration: relative ones lie in the home folder."""
    path = Path(place).expanduser()
    return path if path.is_absolute() else home / path
