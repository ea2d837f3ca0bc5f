"""The models of `routes.yaml`: which alert goes to whom, and through which channels, in Alertmanager's words.

`faults` says what is wrong beyond the shape of the file; `default_routes` is what holds where there is no such file.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr

from alerts.dependencies import DependencyPolicy
from alerts.faults import faults, notes
from alerts.flapping import FlappingPolicy
from alerts.inhibition import InhibitRuleConfig
from alerts.intervals import NamedIntervals
from alerts.maintenance import MaintenanceFile, Window
from alerts.notify.email import Config as EmailConfig
from alerts.notify.webhook import Config as WebhookConfig
from alerts.routing import Node, build
from alerts.tickets.kinds import CODES, PRIORITIES
from core.duration import Duration

__all__ = [
    "DependencyPolicy",
    "EmailConfig",
    "FlappingPolicy",
    "InhibitRuleConfig",
    "MaintenanceFile",
    "NamedIntervals",
    "ReceiverConfig",
    "RouteConfig",
    "RoutesFile",
    "TicketPolicy",
    "WebhookConfig",
    "default_routes",
    "faults",
    "notes",
]


def _one_of(codes: tuple[str, ...], what: str) -> AfterValidator:
    def known(value: str) -> str:
        if value not in codes:
            raise ValueError(f"{value!r} is no {what}; choose one of {', '.join(codes)}")
        return value

    return AfterValidator(known)


class TicketPolicy(BaseModel):
    """What ticket an alert on this route opens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Annotated[str, _one_of(CODES, "kind of ticket")] = Field("fault", description="Kind of work, by its code")
    priority: Annotated[str, _one_of(PRIORITIES, "priority")] = Field("normal", description="high, normal or low")
    within: Duration | None = Field(None, description="Time from opening to the deadline; none: no deadline")


class RouteConfig(BaseModel):
    """One route of the tree; what it leaves out it takes from the route above it."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    receiver: str | None = Field(None, description="Name of the receiver; the top route must have one")
    group_by: list[str] | None = Field(
        None, description="Labels whose equal values put alerts into one message; ['...'] groups by all of them"
    )
    group_wait: Duration | None = Field(
        None, description="How long a new group waits for more alerts before its first message (30s)"
    )
    group_interval: Duration | None = Field(
        None, description="Least time between two messages of one group when something changed (5m)"
    )
    repeat_interval: Duration | None = Field(
        None, description="After this time an unchanged group that still fires is told again (4h)"
    )
    matchers: list[str] = Field(
        default_factory=list, description='Conditions on labels, all of which must hold: severity="critical"'
    )
    goes_on: bool = Field(
        False, alias="continue", description="Whether the routes beside and after this one are tried as well"
    )
    mute_time_intervals: list[str] = Field(
        default_factory=list, description="Time intervals during which this route, not those below it, tells nobody"
    )
    active_time_intervals: list[str] = Field(
        default_factory=list, description="Time intervals outside of which this route, not those below, tells nobody"
    )
    routes: list[RouteConfig] = Field(default_factory=list, description="Routes below this one; the first match wins")
    ticket: TicketPolicy | None = Field(
        None, description="The ticket that an alert on this route opens; null: none, though the route above says so"
    )


class ReceiverConfig(BaseModel):
    """Somebody to be told, and the channels to do it by; without channels its alerts show in the console only."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, description="Name that routes use")
    webhook_configs: list[WebhookConfig] = Field(default_factory=list, description="HTTP addresses to POST to")
    email_configs: list[EmailConfig] = Field(default_factory=list, description="Mail addresses to write to")

    def channels(self) -> list[tuple[str, int, WebhookConfig | EmailConfig]]:
        """All channels: the name of each, which one of that name it is (from 0), and its settings."""
        webhooks = [("webhook", number, config) for number, config in enumerate(self.webhook_configs)]
        emails = [("email", number, config) for number, config in enumerate(self.email_configs)]
        return [*webhooks, *emails]


class GlobalConfig(BaseModel):
    """What holds for all of routes.yaml."""

    model_config = ConfigDict(extra="forbid")

    resolve_timeout: Annotated[Duration, Field(gt=timedelta(0))] = Field(
        timedelta(minutes=5), description="A pushed alert without an end is resolved so long after its latest push"
    )


class RoutesFile(BaseModel):
    """The whole of routes.yaml."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    general: GlobalConfig = Field(GlobalConfig(), alias="global", description="What holds for everything here")
    route: RouteConfig = Field(description="The top of the tree; it takes every alert that no route below it takes")
    receivers: list[ReceiverConfig] = Field(min_length=1, description="Everybody who can be told")
    time_intervals: list[NamedIntervals] = Field(
        default_factory=list, description="Hours, days and months under names that routes use"
    )
    inhibit_rules: list[InhibitRuleConfig] = Field(
        default_factory=list, description="Which open alerts keep which others quiet"
    )
    dependencies: DependencyPolicy | None = Field(
        None, description="When a target is down, so that alerts of what depends on it are suppressed; none: never"
    )

    flapping: FlappingPolicy | None = Field(
        None,
        description="When an alert that opens and resolves again and again is held until it is stable; none: never",
    )

    _maintenance: tuple[Window, ...] = PrivateAttr(())

    @property
    def maintenance(self) -> tuple[Window, ...]:
        """The windows of maintenance.yaml, which stand in a file of their own."""
        return self._maintenance

    def with_maintenance(self, windows: tuple[Window, ...]) -> RoutesFile:
        """The same routes under these maintenance windows."""
        made = self.model_copy()
        made._maintenance = windows
        return made

    @cached_property
    def tree(self) -> Node:
        """The tree with all that is inherited filled in. Raises MatcherError for a file that `faults` refuses."""
        return build(self.route)

    @cached_property
    def by_name(self) -> dict[str, ReceiverConfig]:
        """Receivers by their names."""
        return {receiver.name: receiver for receiver in self.receivers}


def default_routes() -> RoutesFile:
    """What holds without a routes.yaml: alerts are grouped by their name, and shown in the console only."""
    return RoutesFile(
        route=RouteConfig(receiver="console", group_by=["alertname"]), receivers=[ReceiverConfig(name="console")]
    )
