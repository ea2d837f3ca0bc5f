"""The bodies and answers of API v2, field by field as Alertmanager's own description has them.

Source: api/v2/openapi.yaml of Prometheus Alertmanager.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

REFERENCE = "#/components/schemas/{model}"


class Part(BaseModel):
    """An object with these fields and no others."""

    model_config = ConfigDict(extra="forbid")


class AlertState(StrEnum):
    """Whether anybody is told of an alert."""

    UNPROCESSED = "unprocessed"
    ACTIVE = "active"
    SUPPRESSED = "suppressed"


class AlertStatus(Part):
    """Why nobody is told of an alert, if so: ids of silences; fingerprints of alerts, or names of targets that are down;
    names of time intervals and of maintenance windows, `shelved`, `flapping`."""

    state: AlertState
    silencedBy: list[str]
    inhibitedBy: list[str]
    mutedBy: list[str]


class Receiver(Part):
    """Somebody who can be told, by the name in routes.yaml."""

    name: str


class GettableAlert(Part):
    """An alert that is not resolved. The end of one that was not pushed is not known: it is some minutes from now."""

    labels: dict[str, str]
    annotations: dict[str, str]
    receivers: list[Receiver]
    fingerprint: str
    startsAt: datetime
    updatedAt: datetime
    endsAt: datetime
    status: AlertStatus
    generatorURL: str


class PostableAlert(BaseModel):
    """An alert that is pushed. Without a start it starts now, without an end it ends `resolve_timeout` after the push."""

    labels: dict[str, str] = Field(min_length=1)
    annotations: dict[str, str] | None = None
    startsAt: datetime | None = None
    endsAt: datetime | None = None
    generatorURL: str | None = None


class AlertGroup(Part):
    """Alerts that a receiver is told of together."""

    labels: dict[str, str]
    receiver: Receiver
    alerts: list[GettableAlert]


class Matcher(Part):
    """One condition on one label."""

    name: str
    value: str
    isRegex: bool
    isEqual: bool = True


class SilenceStatus(Part):
    """Where a silence is in its life: pending, active or expired."""

    state: str = Field(pattern="^(pending|active|expired)$")


class GettableSilence(Part):
    """A silence as it is kept."""

    id: str
    status: SilenceStatus
    updatedAt: datetime
    matchers: list[Matcher]
    startsAt: datetime
    endsAt: datetime
    createdBy: str
    comment: str


class PostableSilence(BaseModel):
    """A silence to be made; with an `id`, one to be changed."""

    id: str | None = None
    matchers: list[Matcher] = Field(min_length=1)
    startsAt: datetime
    endsAt: datetime
    createdBy: str
    comment: str


class SilenceId(Part):
    """The id of the silence that holds now."""

    silenceID: str


class Peer(Part):
    """Another instance in the cluster."""

    name: str
    address: str


class ClusterStatus(Part):
    """There is no cluster: any number of consoles share one store."""

    status: str = Field(pattern="^(ready|settling|disabled)$")
    peers: list[Peer]


class VersionInfo(Part):
    """What runs here; parts that a Go program would know are empty."""

    version: str
    revision: str
    branch: str
    buildUser: str
    buildDate: str
    goVersion: str


class OriginalConfig(Part):
    """The routing in the words of alertmanager.yml; of receivers only the names, without addresses or secrets."""

    original: str


class AlertmanagerStatus(Part):
    """What clients ask before anything else."""

    cluster: ClusterStatus
    versionInfo: VersionInfo
    config: OriginalConfig
    uptime: datetime


def body_of(schema: dict[str, Any]) -> dict[str, Any]:
    """What is said in OpenAPI of a body that a route reads by itself."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def schemas_of_bodies() -> dict[str, Any]:
    """The components that bodies refer to."""
    found = {}
    for model in (PostableAlert, PostableSilence):
        schema = model.model_json_schema(ref_template=REFERENCE)
        schema.pop("$defs", None)
        found[model.__name__] = schema
    return found
