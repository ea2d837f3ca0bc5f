"""The models of `routes.yaml`: which alert goes to whom, and through which channels, in Alertmanager's words.

`alerts.routes.faults` says what is wrong beyond the shape of the file; `default_routes` is what holds where there is none.
"""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from alerts.muting.dependencies import DependencyPolicy
from alerts.muting.flapping import FlappingPolicy
from alerts.muting.intervals import NamedIntervals
from alerts.muting.maintenance import MaintenanceFile, Window
from alerts.muting.rules import InhibitRuleConfig
from alerts.notify.apprise import Config as AppriseConfig
from alerts.notify.email import Config as EmailConfig
from alerts.notify.webhook import Config as WebhookConfig
from alerts.oncall.config import PERSON, OnCallFile
from alerts.routes.config import RouteConfig, TicketPolicy
from alerts.routes.routing import Node, build
from core.duration import Duration

__all__ = [
    "AppriseConfig",
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
]


DEFAULT_AFTER: Final = timedelta(seconds=90)
"""So that the fall-back has the message within two minutes of the first failure."""

ChannelConfig: TypeAlias = WebhookConfig | EmailConfig | AppriseConfig


class ReceiverConfig(BaseModel):
    """Somebody to be told, and the channels to do it by; without channels its alerts show in the console only."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, description="Name that routes use")
    webhook_configs: list[WebhookConfig] = Field(default_factory=list, description="HTTP addresses to POST to")
    email_configs: list[EmailConfig] = Field(default_factory=list, description="Mail addresses to write to")

    apprise_configs: list[AppriseConfig] = Field(
        default_factory=list, description="WeCom, DingTalk, Feishu, SMS gateways, Slack, Teams ..., each by its address"
    )
    language: Literal["zh_CN", "en"] | None = Field(
        None, description="Language of its mails and chat messages; none: the operator's"
    )
    fallback: str | None = Field(
        None, description="Receiver that is told instead when a channel of this one keeps failing"
    )
    fallback_after: Duration = Field(DEFAULT_AFTER, description="How long a channel fails before the fall-back is told")

    def channels(self) -> list[tuple[str, int, ChannelConfig]]:
        """All channels: the name of each, which one of that name it is (from 0), and its settings."""
        webhooks: list[tuple[str, int, ChannelConfig]] = [
            ("webhook", number, config) for number, config in enumerate(self.webhook_configs)
        ]
        emails = [("email", number, config) for number, config in enumerate(self.email_configs)]
        services = [("apprise", number, config) for number, config in enumerate(self.apprise_configs)]
        return [*webhooks, *emails, *services]


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

    _oncall: OnCallFile = PrivateAttr(default_factory=OnCallFile)
    flapping: FlappingPolicy | None = Field(
        None,
        description="When an alert that opens and resolves again and again is held until it is stable; none: never",
    )

    _maintenance: tuple[Window, ...] = PrivateAttr(())

    @property
    def oncall(self) -> OnCallFile:
        """The oncall.yaml that these routes' escalations are in; an empty one unless `beside` gave another."""
        return self._oncall

    def beside(self, oncall: OnCallFile) -> RoutesFile:
        """The same routes with that oncall.yaml beside them."""
        made = self.model_copy()
        made._oncall = oncall
        return made

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

    def receiver(self, name: str) -> ReceiverConfig | None:
        """The receiver of that name, or the person of oncall.yaml (`person/NAME`); none when there is none (any more)."""
        if not name.startswith(PERSON):
            return self.by_name.get(name)
        person = self.oncall.person.get(name.removeprefix(PERSON))
        if person is None:
            return None
        return ReceiverConfig(
            name=name,
            webhook_configs=person.webhook_configs,
            email_configs=person.email_configs,
            apprise_configs=person.apprise_configs,
            language=person.language,
        )

    def channel_of(self, receiver: str, channel: str, settings: int) -> ChannelConfig | None:
        """The settings of one channel of a receiver; none when the file has no such channel (any more)."""
        found = self.receiver(receiver)
        configs = [config for name, _, config in found.channels() if name == channel] if found else []
        return configs[settings] if settings < len(configs) else None


def default_routes() -> RoutesFile:
    """What holds without a routes.yaml: alerts are grouped by their name, and shown in the console only."""
    return RoutesFile(
        route=RouteConfig(receiver="console", group_by=["alertname"]), receivers=[ReceiverConfig(name="console")]
    )
