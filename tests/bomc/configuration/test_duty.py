"""duty.yaml and job_plans.yaml: every fault at once with its line, and desks as targets with checks of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from bomc.configuration.estate import ConfigurationError, Estate, load_estate

DUTY = """\
desks:
  - name: noc
    title: {en: Operations desk, zh: 监控值班台}
    accept_within: 20m
    shifts:
      - {name: day, title: {en: Day, zh: 白班}, start: "08:00", end: "20:00"}
      - {name: night, title: {en: Night, zh: 夜班}, start: "20:00", end: "08:00"}
    roster: {since: 2026-01-05, groups: [[li.wei], [zhang.min]]}
"""
PLANS = """\
plans:
  - name: morning-check
    title: {en: Morning check, zh: 晨检}
    desk: noc
    when: {daily: working}
    due: "09:00"
    items:
      - {code: backup, title: {en: Backups ran, zh: 备份完成}}
"""


def load(folder: Path, **files: str) -> Estate:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return load_estate(folder)


def test_a_desk_is_a_target_with_checks(tmp_path: Path) -> None:
    estate = load(tmp_path, duty=DUTY, job_plans=PLANS)
    assert estate.targets["noc"].kind == "duty_desk"
    assert [check.name for check in estate.checks] == ["job-plan-missed", "handover-not-accepted"]
    assert [plan.name for plan in estate.plans.plans] == ["morning-check"]


def test_without_the_files_there_are_no_desks(tmp_path: Path) -> None:
    estate = load(tmp_path)
    assert (estate.duty.desks, estate.plans.plans, estate.checks) == ([], [], ())


FAULTY: dict[str, tuple[str, str, list[str]]] = {
    "all of them at once, each at its line": (
        DUTY.replace("Asia", "").replace('end: "20:00"', 'end: "21:00"'),
        PLANS.replace("desk: noc", "desk: shop") + "      - {code: backup, title: {en: a, zh: b}}\n",
        [
            "duty.yaml:5: noc: two shifts of a day hold 20:00; let the one end when the other begins",
            "job_plans.yaml:4: morning-check: there is no desk 'shop'; the desks are noc",
            "job_plans.yaml:7: morning-check: 2 items have the code 'backup'; codes are unique in a plan",
        ],
    ),
    "a time without quotes": (
        DUTY.replace('start: "20:00"', "start: 20:00"),
        PLANS,
        ["duty.yaml:7: '20:00' cannot be read: YAML reads it as 1200; put it in quotes if it is a text"],
    ),
    "two ways to be due": (
        DUTY,
        PLANS.replace("{daily: working}", "{daily: working, monthly: [1]}"),
        ["job_plans.yaml:5: plans.0.when: give exactly one of daily, weekly, monthly and calendar"],
    ),
    "a range of words": (
        DUTY,
        PLANS.replace("{code: backup,", "{code: backup, kind: text, most: 3,"),
        ["job_plans.yaml:8: plans.0.items.0: only a number has a unit and a range"],
    ),
    "a zone that is none": (
        DUTY.replace("    accept_within", "    timezone: Mars/Olympus\n    accept_within"),
        PLANS,
        ["duty.yaml:4: desks.0.timezone: 'Mars/Olympus' is no time zone; write one like Asia/Shanghai or UTC"],
    ),
    "a country that is none": (
        DUTY.replace("    accept_within", "    country: XX\n    accept_within"),
        PLANS,
        ["duty.yaml:4: desks.0.country: 'XX' is no country whose holidays are known; write two letters like CN or DE"],
    ),
    "a name that a target has": (
        DUTY + DUTY.partition("\n")[2],
        PLANS,
        [
            "duty.yaml:9: 'noc' is already the name of a target; names are unique",
            "duty.yaml:9: the desk 'noc' is there already, as number 1; names are unique",
        ],
    ),
}


@pytest.mark.parametrize(("duty", "plans", "expected"), FAULTY.values(), ids=FAULTY)
def test_every_fault_is_told_with_its_line(tmp_path: Path, duty: str, plans: str, expected: list[str]) -> None:
    with pytest.raises(ConfigurationError) as told:
        load(tmp_path, duty=duty, job_plans=plans)
    assert [str(fault) for fault in told.value.faults] == expected


def test_a_check_of_the_same_name_is_refused(tmp_path: Path) -> None:
    checks = "checks:\n  - {name: job-plan-missed, judge: limit, indicator: x, with: {above: {warning: 1}}}\n"
    with pytest.raises(ConfigurationError, match="the desks make a check of the name 'job-plan-missed'"):
        load(tmp_path, duty=DUTY, checks=checks)
