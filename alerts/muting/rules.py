"""One rule of inhibition: as `routes.yaml` has it, and with its matchers read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from pydantic import BaseModel, ConfigDict, Field

from alerts.routes.matchers import Matcher, all_match, parse_all


class InhibitRuleConfig(BaseModel):
    """One rule: what keeps what quiet."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field("", description="What reasons call the rule; its number if not given")
    source_matchers: list[str] = Field(
        default_factory=list, description="Conditions on the cause, all of which must hold"
    )
    target_matchers: list[str] = Field(
        default_factory=list, description="Conditions on what is kept quiet, all of which must hold"
    )
    equal: list[str] = Field(
        default_factory=list, description="Labels that cause and effect must have alike; missing equals empty"
    )

    @cached_property
    def rule(self) -> Rule:
        """The same, ready to be asked. Raises MatcherError for one that `faults` refuses."""
        return Rule(self.name, parse_all(self.source_matchers), parse_all(self.target_matchers), tuple(self.equal))


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule with its matchers read."""

    name: str
    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...]

    def is_source(self, labels: Mapping[str, str]) -> bool:
        """Whether an alert with these labels can keep others quiet."""
        return all_match(self.source, labels)

    def is_target(self, labels: Mapping[str, str]) -> bool:
        """Whether an alert with these labels can be kept quiet."""
        return all_match(self.target, labels)

    def key(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        """The values that cause and effect must share."""
        return tuple(labels.get(name, "") for name in self.equal)
