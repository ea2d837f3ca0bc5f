"""`bomc oncall` and oncall.yaml beside the other files: faults with their lines, answers, changes, calendars."""

from __future__ import annotations

from pathlib import Path

import icalendar
import pytest

from tests.bomc.estates import cli, write

ROUTES = """
route: {receiver: desk, escalation: city}
receivers: [{name: desk}]
"""
ONCALL = """
people:
  - {name: li.wei}
  - {name: zhang.min}
schedules:
  - name: city
    layers:
      - {name: base, rotation: weekly, handoff: "09:00", start: 2026-01-05, people: [li.wei, zhang.min]}
escalations:
  - name: city
    steps: [{schedule: city}]
    catch_all: desk
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a schedule and a store."""
    made = write(tmp_path / "home", oncall=ONCALL, routes=ROUTES)
    assert cli(made, "db", "upgrade")[0] == 0
    return made


def test_every_fault_of_oncall_yaml_and_of_routes_that_name_it_has_its_line(tmp_path: Path) -> None:
    bad = ONCALL.replace("[li.wei, zhang.min]", "[li.wei, wang]").replace("schedule: city", "schedule: town")
    home = write(
        tmp_path,
        oncall=bad.replace("catch_all: desk", "catch_all: dsk"),
        routes=ROUTES.replace("ion: city", "ion: town"),
    )
    status, said = cli(home, "config", "check")
    assert status == 2
    for words in (
        "oncall.yaml:8: city: there is no person 'wang'",
        "oncall.yaml:11: city: there is no schedule 'town'",
        "oncall.yaml:12: city: routes.yaml has no receiver 'dsk'",
        "routes.yaml:2: oncall.yaml has no policy 'town'; its escalations are city",
        "4 faults",
    ):
        assert words in said
    home = write(tmp_path, oncall="schedules:\n  - {name: a, timezone: Mars/Base, layers: []}\n", routes=ROUTES)
    said = cli(home, "config", "check")[1]
    assert "oncall.yaml:2: schedules.0.timezone: 'Mars/Base' is no time zone" in said


def test_a_sound_one_is_counted_and_what_is_worth_a_look_is_told(home: Path) -> None:
    status, said = cli(home, "config", "check")
    assert (status, "1 schedules" in said, "note: oncall.yaml:3: li.wei has no channel" in said) == (0, True, True)


def test_who_next_and_gaps(home: Path) -> None:
    assert cli(home, "oncall", "who", "--at", "2026-01-12 08:59") == (0, "city: li.wei (turn 1 of layer base)\n")
    assert cli(home, "oncall", "who", "city", "--at", "2026-01-12T01:00+00:00")[1].startswith("city: zhang.min")
    status, said = cli(home, "oncall", "who", "--at", "2026-01-01 00:00")
    assert (status, said) == (3, "city: nobody (no layer and no override covers it)\n")
    assert " from 20" in cli(home, "oncall", "next")[1]
    assert "throughout the next 30 days" in cli(home, "oncall", "gaps")[1]
    assert cli(home, "oncall", "who", "town")[0] == 2
    assert "is no time" in cli(home, "oncall", "who", "--at", "noon")[1]
    for at in ("0001-01-01", "9999-12-31"):
        assert "is in no year that is looked at" in cli(home, "oncall", "who", "--at", at)[1]


def test_changes_are_made_shown_and_taken_back(home: Path, tmp_path: Path) -> None:
    at = ("--from", "2095-01-10 09:00", "--until", "2095-01-11 09:00")
    assert "Override 1: li.wei has city" in cli(home, "oncall", "override", "city", "li.wei", *at)[1]
    asked = ("oncall", "who", "--at", "2095-01-10 10:00")
    assert "override 1 by terminal:" in cli(home, *asked)[1]
    assert "already" in cli(home, "oncall", "override", "city", "li.wei", *at)[1]
    assert cli(home, "oncall", "cancel", "override", "1")[0] == 0
    assert "turn" in cli(home, *asked)[1]
    assert "write override or absence" in cli(home, "oncall", "cancel", "shift", "1")[1]
    both = ("--first", "2095-01-05 12:00", "--second", "2095-01-12 12:00")
    before = cli(home, "oncall", "who", "--at", "2095-01-05 12:00")[1]
    assert "overrides 2 and 3" in cli(home, "oncall", "swap", "city", *both)[1]
    assert cli(home, "oncall", "who", "--at", "2095-01-05 12:00")[1][:10] != before[:10]
    for name in ("li.wei", "zhang.min"):
        assert cli(home, "oncall", "away", name, *at, "--reason", "on leave")[0] == 0
    assert cli(home, *asked)[0] == 3


def test_calendars_go_out_and_come_in(home: Path, tmp_path: Path) -> None:
    status, said = cli(home, "oncall", "export", "city", "--days", "30")
    assert (status, len(icalendar.Calendar.from_ical(said).walk("VEVENT")) >= 4) == (0, True)
    place = tmp_path / "li.ics"
    assert cli(home, "oncall", "export", "--person", "li.wei", "--out", str(place))[0] == 0
    status, said = cli(home, "oncall", "import", str(place), "--person", "zhang.min", "--schedule", "city")
    assert (status, "overrides of city were written, 0 were there already" in said) == (0, True)
    assert (
        "0 overrides of city were written"
        in cli(home, "oncall", "import", str(place), "--person", "zhang.min", "--schedule", "city")[1]
    )
    assert "cannot be read" in cli(home, "oncall", "import", str(tmp_path / "none.ics"))[1]
    assert "exactly one" in cli(home, "oncall", "export")[1]
