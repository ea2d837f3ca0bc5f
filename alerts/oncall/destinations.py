"""Where a message goes by the name of its receiver: one of routes.yaml, or `person/NAME` of oncall.yaml."""

from __future__ import annotations

from alerts.config import ReceiverConfig, RoutesFile
from alerts.oncall.config import PERSON, Person


def receiver_of(routes: RoutesFile, name: str) -> ReceiverConfig | None:
    """The receiver of that name with its channels; none when neither file has it (any more)."""
    if not name.startswith(PERSON):
        return routes.by_name.get(name)
    person = routes.oncall.person.get(name.removeprefix(PERSON))
    return None if person is None else of_person(person)


def of_person(person: Person) -> ReceiverConfig:
    """A person as a receiver."""
    return ReceiverConfig(
        name=PERSON + person.name, webhook_configs=person.webhook_configs, email_configs=person.email_configs
    )


def file_of(name: str) -> str:
    """The file that receivers of such a name stand in."""
    return "oncall.yaml" if name.startswith(PERSON) else "routes.yaml"
