"""oncall.yaml: every fault at once, at its place, in a sentence that says what to do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from alerts.oncall.config import OnCallFile
from alerts.oncall.faults import faults, warnings
from tests.alerts.oncall.world import PEOPLE, file, layer, plan, utc

OFFICE = [{"days": "workdays", "from": "09:00", "to": "18:00"}]


def policy(*steps: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"name": "city", "catch_all": "desk", "steps": list(steps) or [{"schedule": "platform"}], **fields}


FAULTS: list[tuple[str, OnCallFile, tuple[Any, ...], str]] = [
    (
        "a gap",
        file(schedules=[plan(layer(only=OFFICE))]),
        ("schedules", 0, "layers"),
        "nobody is on call from 2026-01-05 18:00",
    ),
    (
        "unknown person",
        file(schedules=[plan(layer(people=["wang"]))]),
        ("schedules", 0, "layers", 0, "people", 0),
        "no person 'wang'",
    ),
    ("unknown country", file(schedules=[plan(country="XX")]), ("schedules", 0, "country"), "'XX' is no country"),
    (
        "a layer twice",
        file(schedules=[plan(layer(), layer())]),
        ("schedules", 0, "layers", 1, "name"),
        "a layer 'base' already",
    ),
    (
        "a person twice",
        file(people=[{"name": n} for n in (*PEOPLE, "li.wei")]),
        ("people", 3, "name"),
        "'li.wei' stands under",
    ),
    ("a schedule twice", file(schedules=[plan(), plan()]), ("schedules", 1, "name"), "'platform' stands under"),
    (
        "unknown schedule",
        file(escalations=[policy({"schedule": "x"})]),
        ("escalations", 0, "steps", 0, "schedule"),
        "no schedule 'x'; the schedules are platform",
    ),
    (
        "unknown step person",
        file(escalations=[policy({"person": "x"})]),
        ("escalations", 0, "steps", 0, "person"),
        "no person 'x'",
    ),
    (
        "unknown receiver",
        file(escalations=[policy({"receiver": "x"})]),
        ("escalations", 0, "steps", 0, "receiver"),
        "no receiver 'x'; it has desk",
    ),
    (
        "unknown catch-all",
        file(escalations=[policy(catch_all="x")]),
        ("escalations", 0, "catch_all"),
        "no receiver 'x'",
    ),
    (
        "unknown policy",
        file(escalations=[policy({"policy": "x"})]),
        ("escalations", 0, "steps", 0, "policy"),
        "no policy 'x'",
    ),
    (
        "itself",
        file(escalations=[policy({"policy": "city"})]),
        ("escalations", 0, "steps", 0, "policy"),
        "circle, city -> city",
    ),
    (
        "a circle",
        file(escalations=[policy({"policy": "b"}), policy({"policy": "city"}, name="b")]),
        ("escalations", 0, "steps", 0, "policy"),
        "circle, city -> b -> city",
    ),
]


@pytest.mark.parametrize(("name", "made", "place", "words"), FAULTS, ids=[case[0] for case in FAULTS])
def test_a_fault_has_its_place_and_a_sentence(name: str, made: OnCallFile, place: tuple[Any, ...], words: str) -> None:
    found = faults(made, ["desk"])
    assert (place, True) in [(at, words in sentence) for at, sentence in found], found


def test_a_sound_file_has_no_fault_and_gaps_may_be_allowed() -> None:
    made = file(
        schedules=[plan(layer(only=OFFICE), gaps="allowed")],
        escalations=[policy({"person": "li.wei"}, {"receiver": "desk"})],
    )
    assert faults(made, ["desk"]) == []
    assert faults(file(), None) == []


SHAPES: list[tuple[str, dict[str, Any], str]] = [
    ("unknown zone", {"schedules": [plan(timezone="Asia/Peking")]}, "'Asia/Peking' is no time zone"),
    ("a turn too short", {"schedules": [plan(layer(rotation="10m"))]}, "a turn lasts from 1h to 366d"),
    ("no turn", {"schedules": [plan(layer(rotation="fortnightly"))]}, "is not a length of time"),
    (
        "a weekday of daily turns",
        {"schedules": [plan(layer(rotation="daily", weekday="monday"))]},
        "turns of whole weeks",
    ),
    ("nobody", {"schedules": [plan(layer(people=[]))]}, "at least 1"),
    ("two in a step", {"escalations": [policy({"schedule": "a", "person": "b"})]}, "exactly one of"),
    ("none in a step", {"escalations": [policy({"wait": "5m"})]}, "exactly one of"),
    ("a wait of another policy", {"escalations": [policy({"policy": "a", "wait": "5m"})]}, "have their own"),
    ("no catch-all", {"escalations": [{"name": "a", "steps": [{"person": "b"}]}]}, "Field required"),
    ("a name with a blank", {"people": [{"name": "li wei"}]}, "should match pattern"),
]


@pytest.mark.parametrize(("name", "fields", "words"), SHAPES, ids=[case[0] for case in SHAPES])
def test_a_wrong_shape_is_refused(name: str, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        file(**fields)


def test_warnings_tell_of_gaps_before_they_bite_and_of_people_who_cannot_be_told() -> None:
    made = file(schedules=[plan(layer(start="2026-01-12"))], escalations=[policy()])
    found = [
        sentence
        for _, sentence in warnings(
            made, {"desk"}, utc("2026-01-10 01:00"), utc("2026-02-01 00:00") - utc("2026-01-10 01:00")
        )
    ]
    assert (
        found[-1]
        == "platform: nobody is on call from 2026-01-10 09:00 to 2026-01-12 09:00: no layer and no override covers it"
    )
    assert "li.wei has no channel, so an escalation passes them by" in found
    assert any("shows in the console only" in one for one in found)


def test_a_person_who_is_told_by_chat_or_sms_only_has_a_channel() -> None:
    """As good as any other; it was said of them that escalations pass them by."""
    made = file(people=[{"name": "li.wei", "apprise_configs": [{"url": "env:LI_WEI"}]}])
    assert warnings(made, set(), utc("2026-01-10 01:00"), timedelta(days=1)) == []


def test_a_receiver_that_only_a_catch_all_names_is_used() -> None:
    """So that `bomc config check` does not say of it that nothing goes there."""
    made = file(escalations=[policy({"receiver": "team"})])
    assert made.receivers == {"team", "desk"}
