"""The models of `oncall.yaml`: people with their channels, schedules of layers, and policies of escalation.

`faults` says what is wrong beyond the shape of the file. Every time of day is one of the schedule's own zone.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from alerts.notify.apprise import Config as AppriseConfig
from alerts.notify.email import Config as EmailConfig
from alerts.notify.webhook import Config as WebhookConfig
from core.duration import Duration, parse_duration
from core.fields import LocalTime, Part, TimeZone

DAY = timedelta(days=1)
SHORTEST_TURN = timedelta(hours=1)
LONGEST_TURN = timedelta(days=366)
PERSON = "person/"
"""Heads the name of a receiver that is one person."""
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^\w[\w.@-]*$")]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _turn(value: object) -> object:
    named = {"daily": DAY, "weekly": 7 * DAY}
    length = named[value] if isinstance(value, str) and value in named else parse_duration(value)
    if not SHORTEST_TURN <= length <= LONGEST_TURN:
        raise ValueError("a turn lasts from 1h to 366d; write daily, weekly, or a length such as 12h or 14d")
    return length


Turn = Annotated[Duration, BeforeValidator(_turn, json_schema_input_type=str)]


class Person(BaseModel):
    """Somebody who can be on call, and how they are told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name = Field(description="Name of the user, as they log in")
    title: str = Field("", max_length=80, description="How pages name them; the name if not given")
    language: Literal["zh_CN", "en"] = Field("zh_CN", description="Language in which they are told")
    webhook_configs: list[WebhookConfig] = Field(default_factory=list, description="HTTP addresses to POST to")
    email_configs: list[EmailConfig] = Field(default_factory=list, description="Mail addresses to write to")
    apprise_configs: list[AppriseConfig] = Field(
        default_factory=list, description="WeCom, DingTalk, Feishu, SMS gateways, Slack, Teams ..., each by its address"
    )

    @property
    def shown(self) -> str:
        """What pages call them."""
        return self.title or self.name


class Window(Part):
    """Hours in which a layer holds; a window that ends at or before its start ends on the next day."""

    weekdays: list[Weekday] = Field(default=[], description="Days on which it begins; every day if not given.")
    days: Literal["all", "workdays", "holidays"] = Field(
        default="all",
        description="Only working days, or only days off, by the calendar of the schedule's `country`.",
    )
    from_: LocalTime | None = Field(default=None, alias="from", description='Local time, as "09:00"; midnight.')
    to: LocalTime | None = Field(default=None, description='Local time, as "18:00"; midnight of the next day.')


class Layer(Part):
    """People who take turns."""

    name: Name = Field(description="Unique in the schedule.")
    rotation: Turn = Field(default=7 * DAY, description="daily, weekly, or the length of a turn: 12h, 2d, 14d.")
    handoff: LocalTime = Field(description='Local time at which a turn ends and the next begins, as "09:00".')
    weekday: Weekday | None = Field(
        default=None, description="Day of the handoff of turns of whole weeks; the weekday of `start` if not given."
    )
    start: date = Field(description="Day of the first handoff; before it the layer covers nothing.")
    people: list[Name] = Field(min_length=1, max_length=200, description="In the order of their turns.")
    only: list[Window] = Field(default=[], description="Hours in which the layer holds; always if not given.")

    @model_validator(mode="after")
    def _weeks(self) -> Layer:
        if self.weekday is not None and self.rotation % (7 * DAY):
            raise ValueError("weekday: only turns of whole weeks are handed over on a weekday; take it out")
        return self


class Schedule(Part):
    """Who is on call, instant by instant: later layers win over earlier ones."""

    name: Name = Field(description="Unique; escalations and pages name it so.")
    title: str = Field(default="", max_length=120, description="How pages name it; the name if not given.")
    timezone: TimeZone = Field(default="Asia/Shanghai", description="The zone of all its times.")
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] = Field(
        default="CN", description="Whose public holidays count, two letters: CN, DE, ..."
    )
    gaps: Literal["refused", "allowed"] = Field(
        default="refused", description="Whether there may be hours without anybody, as where only office hours count."
    )
    layers: list[Layer] = Field(min_length=1, max_length=20, description="From the lowest to the one that wins.")

    @property
    def shown(self) -> str:
        """What pages call it."""
        return self.title or self.name

    @property
    def people(self) -> list[str]:
        """Everybody of its layers, each once."""
        return list(dict.fromkeys(name for layer in self.layers for name in layer.people))


class Step(Part):
    """One step of an escalation: whom to tell, and how long they have before the next step comes."""

    schedule: str | None = Field(default=None, description="Whoever is on call in that schedule at that moment.")
    person: str | None = Field(default=None, description="One person of this file.")
    receiver: str | None = Field(default=None, description="A receiver of routes.yaml.")
    policy: str | None = Field(default=None, description="All steps of another policy, put here.")
    wait: Duration = Field(
        default=timedelta(minutes=5), description="How long without an acknowledgement until the next step."
    )

    @model_validator(mode="after")
    def _one(self) -> Step:
        given = [name for name in ("schedule", "person", "receiver", "policy") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("a step names exactly one of schedule, person, receiver and policy")
        if self.policy is not None and "wait" in self.model_fields_set:
            raise ValueError("wait: the steps of the other policy have their own; take it out")
        return self


class Escalation(Part):
    """Whom to tell one after the other until somebody acknowledges."""

    name: Name = Field(description="Unique; routes name it as their `escalation`.")
    title: str = Field(default="", max_length=120, description="How pages name it; the name if not given.")
    after: Duration = Field(default=timedelta(), description="Time from the alert's opening to the first step.")
    steps: list[Step] = Field(min_length=1, max_length=50, description="In order.")
    repeat: Annotated[int, Field(ge=0, le=20)] = Field(default=0, description="How often the steps are gone again.")
    unreachable: Duration = Field(
        default=timedelta(minutes=2),
        description="A message that no channel took for so long makes its person unreachable: the next step comes.",
    )
    catch_all: str = Field(description="Receiver of routes.yaml that is told when all steps were in vain.")


class OnCallFile(Part):
    """The whole of oncall.yaml."""

    people: list[Person] = Field(default=[], description="Everybody who can be on call.")
    schedules: list[Schedule] = Field(default=[], description="Who is on call when.")
    escalations: list[Escalation] = Field(default=[], description="Whom to tell one after the other.")

    @property
    def receivers(self) -> set[str]:
        """The receivers of routes.yaml that its steps and catch-alls name."""
        steps = {step.receiver for one in self.escalations for step in one.steps if step.receiver}
        return steps | {one.catch_all for one in self.escalations}

    @cached_property
    def person(self) -> dict[str, Person]:
        """People by name."""
        return {one.name: one for one in self.people}

    @cached_property
    def schedule(self) -> dict[str, Schedule]:
        """Schedules by name."""
        return {one.name: one for one in self.schedules}

    @cached_property
    def escalation(self) -> dict[str, Escalation]:
        """Policies by name."""
        return {one.name: one for one in self.escalations}
