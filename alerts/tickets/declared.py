"""The models of what tickets are: kinds with their fields, flows with their moves, parties, hours; and of tickets.yaml.

`kinds.yaml` beside this file declares the twelve kinds; an operator's tickets.yaml changes and extends them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time, timedelta
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from alerts.tickets.working_time import WorkingTime
from core.duration import Duration
from core.fields import LabelName, LocalTime, Part, TimeZone
from core.workdays import Workdays, WorkdaysError

CODES = (
    "support",
    "coordination",
    "handling",
    "fault",
    "maintenance",
    "office_data",
    "integrator_maintenance",
    "integrator_development",
    "job_application",
    "branch_maintenance",
    "high_fee",
    "business_flow",
)
AT_WORK = ("open", "approved", "assigned", "accepted", "paused")  # states in which somebody still has to do something
OVER = ("closed", "cancelled")
PARTY_TYPES = ("department", "branch", "integrator")

State = Literal["open", "approved", "assigned", "accepted", "paused", "resolved", "confirmed", "closed", "cancelled"]
STATES: tuple[State, ...] = get_args(State)
Doing = Literal[
    "approve",
    "reject",
    "assign",
    "take",
    "accept",
    "transfer",
    "pause",
    "resume",
    "resolve",
    "confirm",
    "close",
    "reopen",
    "cancel",
]
DOINGS: tuple[Doing, ...] = get_args(Doing)
Needed = Literal["assignee", "department", "reason", "waits_on", "cause", "remedy"]
Priority = Literal["high", "normal", "low"]
PRIORITIES: tuple[Priority, ...] = get_args(Priority)


class Choice(Part):
    """One value that a field of the type choice can have."""

    code: LabelName = Field(description="As it is kept.")
    zh: str = Field(min_length=1, description="Its name in Chinese.")
    en: str = Field(min_length=1, description="Its name in English.")


class FieldEntry(Part):
    """Something that tickets of one kind hold besides what all tickets hold."""

    name: LabelName = Field(description="Its code, unique in its kind.")
    zh: str = Field(min_length=1, description="Its label in Chinese.")
    en: str = Field(min_length=1, description="Its label in English.")
    type: Literal["text", "number", "money", "date", "instant", "choice", "subscriber"] = Field(
        default="text",
        description="money is an amount with its currency; a subscriber number is masked before it is kept.",
    )
    needed: Literal["opening", "resolving"] | None = Field(
        default=None, description="When it must be given; never, if not said."
    )
    choices: tuple[Choice, ...] = Field(default=(), description="What a field of the type choice can be.")

    @model_validator(mode="after")
    def _chosen(self) -> FieldEntry:
        if (self.type == "choice") != bool(self.choices):
            raise ValueError("choices belong to a field of the type choice, which needs at least one")
        return self


class Move(Part):
    """One doing: from which states, to which, by whom, and what has to be said with it."""

    doing: Doing = Field(description="What is done.")
    start: tuple[State, ...] = Field(alias="from", min_length=1, description="States in which it can be done.")
    to: State = Field(description="The state afterwards.")
    who: tuple[Literal["anyone", "assignee", "opener", "approver"], ...] = Field(
        default=("anyone",),
        min_length=1,
        description="anyone who works on tickets, who has it, who opened it, or who has the right tickets.approve.",
    )
    never: tuple[Literal["opener", "resolver"], ...] = Field(
        default=(), description="Who must not do it, whatever else they are: a second person is wanted."
    )
    members: bool = Field(
        default=False,
        description="Whether, once a ticket was passed on, it is for the people of whoever has it, or for a dispatcher.",
    )
    needs: tuple[Needed, ...] = Field(default=(), description="What has to be said.")
    answers: bool = Field(default=False, description="Whether the clock for answering ends with it.")


class Flow(Part):
    """The states and moves that kinds of ticket share."""

    moves: tuple[Move, ...] = Field(min_length=1, description="Every doing that there is; each at most once.")

    @model_validator(mode="after")
    def _walkable(self) -> Flow:
        doings = [move.doing for move in self.moves]
        if len(set(doings)) != len(doings):
            raise ValueError("a doing stands twice among the moves; put its states into one")
        reached = {"open"}
        for _round in STATES:
            reached |= {move.to for move in self.moves if reached.intersection(move.start)}
        unreachable = sorted({state for move in self.moves for state in move.start} - reached)
        if unreachable:
            raise ValueError(f"no move leads to {', '.join(unreachable)}, so what begins there can never be done")
        if "closed" not in reached:
            raise ValueError("no move leads to closed, so no ticket would ever end")
        return self

    @property
    def states(self) -> tuple[str, ...]:
        """The states that a ticket of this flow can have."""
        found = {"open", *(move.to for move in self.moves)}
        return tuple(state for state in STATES if state in found)

    def move(self, doing: str) -> Move | None:
        """The move of that name; None when the flow has none."""
        return next((move for move in self.moves if move.doing == doing), None)


class Target(Part):
    """What the two clocks allow."""

    respond: Duration = Field(description="Until somebody accepts it.")
    resolve: Duration = Field(description="Until it is resolved.")

    @model_validator(mode="after")
    def _sensible(self) -> Target:
        if not timedelta() < self.respond <= self.resolve:
            raise ValueError("respond must be longer than nothing and at most as long as resolve")
        return self


class Targets(Part):
    """What the two clocks allow, by priority."""

    high: Target = Field(description="For the priority high.")
    normal: Target = Field(description="For the priority normal.")
    low: Target = Field(description="For the priority low.")


class KindEntry(Part):
    """One kind of ticket."""

    zh: str = Field(min_length=1, description="Its name in Chinese.")
    en: str = Field(min_length=1, description="Its name in English.")
    flow: LabelName = Field(description="The flow whose states and moves it has.")
    priority: Priority = Field(default="normal", description="Its priority when nobody says one.")
    hours: Literal["always", "working"] = Field(default="working", description="Which time its clocks count.")
    targets: Targets = Field(description="What its clocks allow.")
    origins: tuple[str, ...] = Field(alias="from", min_length=1, description="Who asks: parties or types of them.")
    doers: tuple[str, ...] = Field(alias="to", min_length=1, description="Who works on it: parties or types of them.")
    complaint: bool = Field(default=False, description="Whether customers wait for it.")
    fields: tuple[FieldEntry, ...] = Field(default=(), description="What it holds besides.")


class KindChange(Part):
    """What an operator has otherwise in one kind; what is left out stays."""

    zh: str | None = Field(default=None, min_length=1, description="Its name in Chinese.")
    en: str | None = Field(default=None, min_length=1, description="Its name in English.")
    flow: LabelName | None = Field(default=None, description="The flow whose states and moves it has.")
    priority: Priority | None = Field(default=None, description="Its priority when nobody says one.")
    hours: Literal["always", "working"] | None = Field(default=None, description="Which time its clocks count.")
    targets: dict[Priority, Target] = Field(default={}, description="What its clocks allow, for these priorities.")
    origins: tuple[str, ...] | None = Field(default=None, alias="from", min_length=1, description="Who asks.")
    doers: tuple[str, ...] | None = Field(default=None, alias="to", min_length=1, description="Who works on it.")
    complaint: bool | None = Field(default=None, description="Whether customers wait for it.")
    fields: tuple[FieldEntry, ...] = Field(
        default=(), description="Fields that are added; one of a known name takes its place."
    )


class Party(Part):
    """A department, a city branch or an integrator, between which tickets go."""

    code: LabelName = Field(description="As it is kept and filtered by.")
    zh: str = Field(min_length=1, description="Its name in Chinese.")
    en: str = Field(min_length=1, description="Its name in English.")
    type: Literal["department", "branch", "integrator"] = Field(default="department", description="What it is.")


class Span(Part):
    """A time of the day in which people work."""

    begins: LocalTime = Field(alias="from", description='Local time such as "09:00".')
    ends: LocalTime = Field(alias="until", description='Local time such as "18:00"; "00:00" is the end of the day.')

    @model_validator(mode="after")
    def _forward(self) -> Span:
        if self.ends <= self.begins and self.ends != time():
            raise ValueError("until must be later than from; write a night as two spans, before and after 00:00")
        return self


def _known_country(country: str | None) -> str | None:
    try:
        Workdays(country)
    except WorkdaysError as error:
        raise ValueError(str(error)) from error
    return country


class Hours(Part):
    """When people work: the time that clocks of the kind `working` count."""

    timezone: TimeZone = Field(default="Asia/Shanghai", description="Zone of the days and times.")
    country: Annotated[str | None, AfterValidator(_known_country)] = Field(
        default="CN", description="Whose public holidays and swapped working days hold; null: Monday to Friday."
    )
    spans: tuple[Span, ...] = Field(
        default=(Span.model_validate({"from": "09:00", "until": "18:00"}),),
        min_length=1,
        description="Times of a working day, in order.",
    )
    exceptions: dict[date, bool] = Field(default={}, description="Days that are worked (true) or not (false) besides.")

    @model_validator(mode="after")
    def _in_order(self) -> Hours:
        ends = time()
        for number, span in enumerate(self.spans):
            if number and (span.begins < ends or ends == time()):
                raise ValueError("spans: they must follow each other without overlapping")
            ends = span.ends
        return self

    @property
    def time(self) -> WorkingTime:
        """The working time that these hours are."""
        spans = tuple((span.begins, span.ends) for span in self.spans)
        return WorkingTime(ZoneInfo(self.timezone), Workdays(self.country, self.exceptions), spans)


class Storm(Part):
    """When tickets of one group of alerts become the children of one ticket."""

    tickets: int = Field(default=5, ge=2, le=1000, description="So many of one group make a storm.")
    within: Duration = Field(default=timedelta(minutes=10), description="... opened in this time.")


class Declared(Part):
    """kinds.yaml of this package: everything, whole."""

    flows: dict[LabelName, Flow]
    parties: tuple[Party, ...]
    kinds: dict[str, KindEntry]


class TicketsFile(Part):
    """tickets.yaml: what this operator has otherwise in tickets; what is left out stays as bomc brings it."""

    hours: Hours = Field(default=Hours(), description="When people work.")
    warn_at: float = Field(
        default=0.75, gt=0, lt=1, description="Share of a clock's time after which people are warned."
    )
    storm: Storm = Field(default=Storm(), description="When an alert storm becomes one ticket.")
    parties: tuple[Party, ...] = Field(
        default=(), description="Departments, branches and integrators; one of a known code takes its place."
    )
    flows: dict[LabelName, Flow] = Field(
        default={}, description="Flows that are added; one of a known name replaces it."
    )
    kinds: dict[str, KindChange] = Field(default={}, description="Changes to the twelve kinds, by their codes.")


def duplicates(codes: Iterator[str] | list[str]) -> list[str]:
    """The codes that occur more than once, in order."""
    seen: set[str] = set()
    found: dict[str, None] = {}
    for code in codes:
        if code in seen:
            found[code] = None
        seen.add(code)
    return list(found)
