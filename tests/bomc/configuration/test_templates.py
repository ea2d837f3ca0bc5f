"""What `bomc init` writes: sound as it is, and every commented example sound once its comment signs are taken away."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alerts.oncall.escalation import steps
from bomc.cli import app
from bomc.configuration.estate import Estate, load_estate
from core.yaml_file import read_yaml

ALL_COMMENT = ("duty.yaml", "heartbeats.yaml", "job_plans.yaml", "oncall.yaml", "tickets.yaml")
"""Files that say nothing until their example is taken out of its comment, which begins after a lone comment sign."""
TAILS = {"bomc.yaml": "# heartbeat:", "routes.yaml": "# inhibit_rules:"}
"""Files whose examples are the rest of the file from this line on."""


def text_of(name: str) -> str:
    return resources.files("bomc.templates").joinpath(name).read_text(encoding="utf-8")


def uncommented(name: str) -> str:
    """The template with its examples in force."""
    text = text_of(name)
    if name in ALL_COMMENT:
        lines = text.splitlines()
        return "\n".join(re.sub("^# ?", "", line) for line in lines[lines.index("#") :])
    if name == "maintenance.yaml":
        return re.sub(r"(?m)^# ?", "", text[text.index("windows:") :]).replace("windows: []", "windows:")
    head, mark, tail = text.partition(TAILS[name])
    shown = re.sub(r"(?m)^      # (?=escalation|mute_time)", "      ", head)
    return shown + re.sub(r"(?m)^# ?", "", mark + tail)


@pytest.fixture
def taken(tmp_path: Path) -> Path:
    """A configuration in which every example is taken."""
    (tmp_path / "config").mkdir()
    for name in (*ALL_COMMENT, *TAILS, "maintenance.yaml"):
        (tmp_path / "config" / name).write_text(uncommented(name), encoding="utf-8")
    calendar = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//EN\r\nEND:VCALENDAR\r\n"
    (tmp_path / "network-changes.ics").write_text(calendar, encoding="utf-8")
    return tmp_path


def test_a_configuration_is_sound_right_after_init_with_one_template_for_each_file(tmp_path: Path) -> None:
    runner = CliRunner()
    assert runner.invoke(app, ["init", str(tmp_path / "home")]).exit_code == 0
    checked = runner.invoke(app, ["config", "check", "--home", str(tmp_path / "home")])
    assert checked.exit_code == 0, checked.output
    assert "is sound" in checked.output
    assert "note:" not in checked.output
    written = {path.name for path in (tmp_path / "home" / "config").iterdir()}
    assert written == {*ALL_COMMENT, *TAILS, "checks.yaml", "maintenance.yaml", "targets.yaml"}


@pytest.mark.parametrize("name", ALL_COMMENT)
def test_a_template_that_is_all_comment_says_nothing(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text_of(name), encoding="utf-8")
    assert not read_yaml(tmp_path / name).value


def test_every_example_is_sound_beside_the_others(taken: Path) -> None:
    estate = load_estate(taken / "config")
    assert [desk.name for desk in estate.duty.desks] == ["noc"]
    assert {name for plan in estate.plans.plans for name in plan.when.model_fields_set - {"on_day_off"}} == {
        *("daily", "weekly", "monthly", "calendar")
    }
    assert {one.cron is None for one in estate.heartbeats} == {True, False}
    assert [window.name for window in estate.routes.maintenance] == [
        "database backup",
        "changes of the network group",
    ]
    assert estate.routes.inhibit_rules
    assert estate.routes.dependencies is not None
    assert estate.routes.flapping is not None
    assert [one.name for one in estate.routes.time_intervals] == ["office"]
    assert estate.settings.heartbeat is not None
    assert "north_branch" in estate.tickets.parties
    assert estate.tickets.named("fault", "shop") is not None
    assert estate.notes == ()
    all_three_levels(estate)


def all_three_levels(estate: Estate) -> None:
    """City, province and group, in their order, begun by a route."""
    oncall = estate.routes.oncall
    chain = steps(oncall, oncall.escalation["key-customer"])
    assert [step.schedule or step.person for step in chain] == ["city", "province", "zhao.lei"]
    assert "key-customer" in {route.escalation for route in estate.routes.route.routes}
