"""The models of one route of `routes.yaml`, and of the ticket that its alerts open."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from alerts.tickets.kinds import CODES, PRIORITIES
from core.duration import Duration


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
    within: Duration | None = Field(
        None, description="Time from opening to the deadline, around the clock; none: the kind's own"
    )


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
    escalation: str | None = Field(
        None, description="The policy of oncall.yaml that its alerts begin; null: none, though the route above says so"
    )
