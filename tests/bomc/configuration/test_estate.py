"""The configuration: a sound one is read whole; of a faulty one every fault is named at once, with file and line."""

from __future__ import annotations

import copy
from datetime import time, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bomc.configuration.estate import ConfigurationError, Estate, load_estate
from core.yaml_file import Fault

TARGETS = """
targets:
  - name: db-1
    kind: database
    labels: {team: billing}
    probes:
      - collect: this_machine
        every: 30s
  - name: app-1
    kind: http
    runs_on: [db-1]
    probes:
      - collect: http
        every: 10s
        timeout: 5s
        with: {url: "http://127.0.0.1:9/"}
      - collect: http
        name: second
        with: {url: "http://127.0.0.1:9/second"}
"""
CHECKS = """
checks:
  - name: slow
    judge: limit
    indicator: http.time_s
    select: {target: app-1, team: [billing, web]}
    with: {above: {warning: 1, critical: 3}, raise: 2 of 3}
    summary: "{target} takes {value}"
  - name: silent
    judge: absence
    indicator: "*"
    with: {after: 2m}
"""
PAYMENTS = """
name: payments
title: {en: Payments, zh: 支付}
kind: match
schedule: {at: "00:40"}
parties:
  billing: {path: "x/{day}/b.csv"}
  platform: {path: "x/{day}/p.csv"}
  payment: {path: "x/{day}/c.csv"}
"""
ROUTES = """
route:
  receiver: ops
  routes:
    - matchers: ['severity="critical"']
      receiver: ops
      ticket: {kind: fault}
receivers:
  - name: ops
"""
BOMC = """
operator: {name: Operator, timezone: Asia/Shanghai}
store: {url: "sqlite:///bomc.db"}
"""
SOUND = {
    "bomc.yaml": BOMC,
    "targets.yaml": TARGETS,
    "checks.yaml": CHECKS,
    "controls/payments.yaml": PAYMENTS,
    "routes.yaml": ROUTES,
}


def write(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "controls").mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_text(content.removeprefix("\n"), encoding="utf-8")
    return folder


def load(folder: Path, **changed: str) -> Estate:
    """The estate of the sound files but for those that the test changes (targets=..., bomc=...)."""
    return load_estate(write(folder, SOUND | {f"{name}.yaml": text for name, text in changed.items()}))


def faults(folder: Path, **changed: str) -> list[str]:
    """The same of files that are not sound: what is wrong."""
    return refusals(folder, {f"{name}.yaml": text for name, text in changed.items()})


def refusals(folder: Path, changed: dict[str, str]) -> list[str]:
    """The same, with the files as they are called."""
    with pytest.raises(ConfigurationError) as refused:
        load_estate(write(folder, SOUND | changed))
    return [str(fault) for fault in refused.value.faults]


def test_a_sound_configuration_is_read_whole(tmp_path: Path) -> None:
    """Every part of every file is where the pipeline looks for it."""
    estate = load(tmp_path)
    assert list(estate.targets) == ["db-1", "app-1", "payments"]
    assert estate.targets["app-1"].runs_on == ("db-1",)
    assert estate.targets["payments"].kind == "control"
    keys = {probe.key: (probe.every_s, probe.timeout_s) for probe in estate.probes}
    assert keys == {"db-1/this_machine": (30, 30), "app-1/http": (10, 5), "app-1/second": (60, 30)}
    assert [(check.name, check.judge) for check in estate.checks[:2]] == [("slow", "limit"), ("silent", "absence")]
    assert {check.name.partition("-")[0] for check in estate.checks[2:]} == {"reconciliation"}
    assert estate.checks[0].select == {"target": ("app-1",), "team": ("billing", "web")}
    assert estate.controls[0].schedule.at == time(0, 40)
    assert estate.controls[0].calendar.cutoff_window == timedelta(minutes=30)
    assert estate.settings.console.port == 8050
    assert estate.routes.tree.receiver == "ops"


def test_without_any_file_there_is_nothing_to_watch_and_nothing_wrong(tmp_path: Path) -> None:
    """An empty folder is a configuration; a missing one is not."""
    estate = load_estate(tmp_path)
    assert (estate.targets, estate.probes, estate.checks) == ({}, (), ())
    with pytest.raises(ConfigurationError, match="there is no such folder; `bomc init DIR` makes one"):
        load_estate(tmp_path / "nowhere")


def test_the_templates_that_init_writes_are_sound(tmp_path: Path) -> None:
    """What a newcomer starts from has no fault."""
    folder = tmp_path / "config"
    folder.mkdir()
    for template in resources.files("bomc.templates").iterdir():
        if template.name.endswith(".yaml"):
            (folder / template.name).write_text(template.read_text(encoding="utf-8"), encoding="utf-8")
    estate = load_estate(folder)
    assert estate.probes
    assert estate.checks


def target(line: str, of: str = "db-1", kind: str = "host") -> str:
    return f"targets:\n  - name: {of}\n    kind: {kind}\n    {line}\n"


def probe(*lines: str) -> str:
    return "targets:\n  - name: a\n    kind: host\n    probes:\n      - " + "\n        ".join(lines) + "\n"


def one_check(*lines: str) -> str:
    return "checks:\n  - name: c\n    judge: limit\n    indicator: x\n    " + "\n    ".join(lines) + "\n"


LIMIT = "with: {above: {warning: 1}}"
BAD: list[tuple[str, str, str, int, str]] = [
    ("an unknown collector", "targets", probe("collect: telepathy"), 5, "there is no collector 'telepathy'; there are"),
    ("no collector", "targets", probe("every: 5s"), 5, "collect is missing"),
    ("a setting of a collector", "targets", probe("collect: http", 'with: {uri: x, url: "http://a/"}'), 6, "uri is not known"),
    ("a missing setting of a collector", "targets", probe("collect: http", "every: 5s"), 5, "url is missing"),
    ("no length of time", "targets", probe("collect: this_machine", "every: 5"), 6, "write it like 30s"),
    ("too often", "targets", probe("collect: this_machine", "every: 100ms"), 5, "more often than every 200ms"),
    (
        "a timeout longer than the interval",
        "targets",
        probe("collect: this_machine", "every: 5s", "timeout: 6s"),
        5,
        "at most as long as `every`",
    ),
    (
        "no timeout at all",
        "targets",
        probe("collect: this_machine", "every: 5s", "timeout: 0s"),
        5,
        "longer than nothing",
    ),
    (
        "two probes of one name",
        "targets",
        probe("collect: this_machine", "every: 5s") + "      - collect: this_machine\n",
        7,
        "two probes named 'this_machine'",
    ),
    ("probes that are no list", "targets", target("probes: {collect: http}"), 4, "probes must be a list"),
    ("an unknown parent", "targets", target("runs_on: [nobody]"), 4, "there is no target 'nobody'"),
    ("a target that depends on itself", "targets", target("depends_on: [db-1]"), 2, "in a ring: db-1 -> db-1"),
    (
        "a ring of three",
        "targets",
        "targets:\n"
        + "".join(f"  - {{name: {a}, kind: host, depends_on: [{b}]}}\n" for a, b in ("ab", "bc", "ca")),
        2,
        "in a ring: a -> b -> c -> a",
    ),
    ("a target declared twice", "targets", TARGETS + "  - {name: db-1, kind: host}\n", 19, "declared twice"),
    ("an unknown class", "targets", target("site: x", kind="spaceship"), 3, "input should be 'host'"),
    ("a name with a slash", "targets", target("site: x", of="a/b"), 2, "should match pattern"),
    ("an unknown setting", "targets", target("colour: red"), 4, "colour is not known here"),
    ("a label that is a number", "targets", target("labels: {rack: 7}"), 4, "input should be a valid string (found 7)"),
    ("a label's name", "targets", target("labels: {ra-ck: x}"), 4, "should match pattern"),
    ("a list where the file's name is missing", "targets", "- name: a\n  kind: host\n", 1, "the file must hold `targets:`"),
    ("another list in the file", "targets", "targets: []\nchecks: []\n", 2, "'checks' is not known here"),
    ("targets that are no list", "targets", "targets: {name: a}\n", 1, "targets must be a list"),
    ("a target that is a text", "targets", "targets:\n  - db-1\n", 2, "input should be a valid dictionary"),
    ("an unknown judgement", "checks", one_check("with: {}").replace("limit", "oracle"), 3, "there is no judgement 'oracle'"),
    ("a limit that could never warn", "checks", one_check("with: {above: {warning: 3, critical: 1}}"), 5, "would never warn"),
    ("no limit", "checks", one_check("with: {raise: 1 of 2}"), 5, "give `above`, `below` or both"),
    ("no settings", "checks", one_check("labels: {}"), 2, "give `above`, `below` or both"),
    ("a share", "checks", one_check("with: {above: {warning: 1}, raise: 7 of 5}"), 5, "1 <= k <= n"),
    ("a placeholder", "checks", one_check(LIMIT, 'summary: "{two words}"'), 6, "{two words} names nothing"),
    ("a lone brace", "checks", one_check(LIMIT, 'summary: "{target"'), 6, "a brace stands alone"),
    ("a check declared twice", "checks", CHECKS + "  - {name: slow, judge: absence, indicator: x}\n", 12, "declared twice"),
    ("an empty choice", "checks", one_check(LIMIT, "select: {site: []}"), 6, "it needs at least 1 entry, and has 0"),
    ("a time zone", "bomc", "operator:\n  timezone: Mars/Olympus\n", 2, "'Mars/Olympus' is no time zone"),
    ("a setting that is not there", "bomc", "operator:\n  cutof: x\n", 2, "operator.cutof is not known here"),
    ("a port", "bomc", "console:\n  port: 70000\n", 2, "less than or equal to 65535"),
    ("a language", "bomc", "operator: {language: tlh}\n", 1, "input should be 'zh_CN' or 'en'"),
    ("too little kept", "bomc", "retention:\n  raw: 5m\n", 1, "raw must be at least 1h"),
    ("no workers", "bomc", "pipeline: {workers: 0}\n", 1, "greater than or equal to 1"),
    ("a matcher", "routes", ROUTES.replace("severity=", "severity~~"), 4, ""),
    ("an unknown receiver", "routes", ROUTES.replace("      receiver: ops", "      receiver: nobody"), 5, "'nobody'"),
    ("an unknown kind of ticket", "routes", ROUTES.replace("kind: fault", "kind: parking"), 6, "kind of ticket"),
    ("a file nobody reads", "target", "x: 1\n", 1, "this file is not read; known are bomc.yaml"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "text", "line", "words"), [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_each_fault_has_its_file_its_line_and_a_sentence(
    tmp_path: Path, file: str, text: str, line: int, words: str
) -> None:
    """The table of what people get wrong: one fault, where it is, in words."""
    changed = {file: text}
    if file == "targets":  # the control and the check hang on nothing
        changed |= {"checks": "checks: []\n"}
    found = faults(tmp_path, **changed)
    assert len(found) == 1, found
    assert found[0].startswith(f"{file}.yaml:{line}: "), found
    assert words in found[0]


CONTROL_FAULTS: list[tuple[str, dict[str, str], str, str]] = [
    (
        "a field of a control",
        {"controls/payments.yaml": PAYMENTS.replace("00:40", "24:10")},
        "controls/payments.yaml:4: ",
        "schedule.at",
    ),
    (
        "a control named like a target",
        {"controls/db-1.yaml": PAYMENTS.replace("payments", "db-1")},
        "controls/db-1.yaml:1: ",
        "'db-1' is already the name of a target; names are unique",
    ),
    (
        "a control that does not stand in the file of its name",
        {"controls/other.yaml": PAYMENTS.replace("payments", "third")},
        "controls/other.yaml:1: ",
        "call it third.yaml",
    ),
    (
        "a warning that comes after the critical limit",
        {"controls/payments.yaml": PAYMENTS + "limits:\n  breaks: {warning: 5, critical: 2}\n"},
        "controls/payments.yaml:10: ",
        "limits.breaks: the warning, 5, is above the critical limit, 2, and would never be seen",
    ),
    (
        "a warning below the critical limit of a ratio",
        {"controls/payments.yaml": PAYMENTS + "limits:\n  match_ratio: {warning: 0.9, critical: 0.95}\n"},
        "controls/payments.yaml:10: ",
        "limits.match_ratio: the warning, 0.9, is below the critical limit, 0.95",
    ),
    (
        "a warning of a class",
        {"controls/payments.yaml": PAYMENTS + "limits:\n  classes:\n    matched: {warning: 5, critical: 2}\n"},
        "controls/payments.yaml:11: ",
        "limits.classes.matched: the warning, 5, is above",
    ),
    (
        "a check called as a control's",
        {"checks.yaml": CHECKS + "  - {name: reconciliation-refused, judge: absence, indicator: x}\n"},
        "checks.yaml:12: ",
        "reconciliation-refused: the controls make a check of this name",
    ),
    (
        "a check called as a control's own limit",
        {
            "checks.yaml": CHECKS + "  - {name: reconciliation-breaks-payments, judge: absence, indicator: x}\n",
            "controls/payments.yaml": PAYMENTS + "limits: {breaks: {critical: 2}}\n",
        },
        "checks.yaml:12: ",
        "give yours another, or set a control's `limits`",
    ),
    ("the list of the past", {"controls.yaml": "controls: []\n"}, "controls.yaml:1: ", "and controls/NAME.yaml"),
]


@pytest.mark.parametrize(
    ("changed", "place", "words"), [c[1:] for c in CONTROL_FAULTS], ids=[c[0] for c in CONTROL_FAULTS]
)
def test_a_fault_of_a_control_has_its_file_its_line_and_a_sentence(
    tmp_path: Path, changed: dict[str, str], place: str, words: str
) -> None:
    """In the words that the files of controls are read with, below the folder; one fault each."""
    found = refusals(tmp_path, changed)
    assert len(found) == 1, found
    assert found[0].startswith(place), found
    assert words in found[0]


def test_a_control_defined_twice_is_a_fault(tmp_path: Path) -> None:
    """A file that was copied and not renamed inside: its name is another's, and not that of the file."""
    found = refusals(tmp_path, {"controls/second.yaml": PAYMENTS})
    assert any("is defined in controls/payments.yaml already; names are unique" in fault for fault in found), found
    assert all(fault.startswith("controls/second.yaml:1: ") for fault in found), found


def test_faults_of_controls_stand_among_all_others(tmp_path: Path) -> None:
    """Two controls and a target are faulty: one reading names all, sorted by file and line; a second name is one too."""
    found = refusals(
        tmp_path,
        {
            "controls/payments.yaml": PAYMENTS.replace("kind: match", "kind: guess"),
            "controls/b.yaml": PAYMENTS.replace("payments", "b").replace("platform:", "platforms:"),
            "controls/c.yml": PAYMENTS,
            "targets.yaml": TARGETS.replace("kind: http", "kind: spaceship"),
            "checks.yaml": "checks: []\n",
        },
    )
    places = [":".join(fault.split(":")[:2]) for fault in found]
    assert sorted(set(places)) == [
        "controls/b.yaml:5",
        "controls/c.yml:1",
        "controls/payments.yaml:3",
        "targets.yaml:9",
    ]
    assert found == [str(fault) for fault in sorted(_parsed(fault) for fault in found)]


def test_every_fault_of_every_file_is_named_at_once(tmp_path: Path) -> None:
    """One of each kind in one go, sorted by file and line; one hides no other, not even in the same part."""
    targets = """targets:
  - name: a
    kind: host
    runs_on: [nobody]
    labels: {rack: 7}
    probes:
      - collect: telepathy
        every: 5
      - collect: http
        every: 1s
        timeout: 2s
        with: {uri: x}
  - name: a
    kind: host
    at: 12:30
"""
    checks = "checks:\n  - name: c/d\n    judge: limit\n    indicator: x\n    with: {over: 1}\n    summary: '{'\n"
    found = faults(
        tmp_path, targets=targets, checks=checks, bomc="operator: {timezone: Mars}\n", x="a: 1\n", routes="a: &b 1\n"
    )
    where = [":".join(fault.split(":")[:2]) for fault in found]
    assert sorted(set(where)) == sorted(
        ["bomc.yaml:1", "checks.yaml:2", "checks.yaml:5", "checks.yaml:6", "routes.yaml:1", "x.yaml:1"]
        + [f"targets.yaml:{line}" for line in (5, 7, 8, 9, 12, 13, 15)]
    )
    assert found == [str(fault) for fault in sorted(_parsed(fault) for fault in found)]


def _parsed(text: str) -> Fault:
    file, line, sentence = text.split(":", 2)
    return Fault(file, int(line), sentence.strip())


def test_a_lattice_of_parents_is_no_ring_and_takes_no_time(tmp_path: Path) -> None:
    """Forty floors on each of which both targets stand on both below: a million million paths, walked once."""
    lines = ["targets:"]
    for floor in range(40):
        parents = f"[a{floor - 1}, b{floor - 1}]" if floor else "[]"
        lines += [
            f"  - {{name: {side}{floor}, kind: host, runs_on: {parents}, depends_on: {parents}}}" for side in "ab"
        ]
    assert len(load(tmp_path, targets="\n".join(lines), checks="").targets) == 81


def test_every_ring_is_named(tmp_path: Path) -> None:
    """Two rings that have nothing to do with each other are two faults."""
    lines = ["targets:"]
    lines += [f"  - {{name: {a}, kind: host, depends_on: [{b}]}}" for a, b in ("ab", "ba", "cd", "dc")]
    found = faults(tmp_path, targets="\n".join(lines))
    assert [fault.partition("ring: ")[2] for fault in found] == ["a -> b -> a", "c -> d -> c"]


DOCUMENTS: dict[str, Any] = {name: yaml.safe_load(text) for name, text in SOUND.items()}
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.text(max_size=6),
    st.sampled_from(["db-1", "app-1", "5s", "0s", "12:30", "{", "*", "limit", "http", "env:X", "1 of 2", "2026-01-01"]),
    st.just([]),
    st.just({}),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document but its root."""
    inner = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    return [place for key, part in inner for place in [(*here, key), *places(part, (*here, key))]]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_mutated_configuration_loads_or_names_faults_on_lines_that_exist(tmp_path: Path, data: st.DataObject) -> None:
    """Whatever is put in, taken out or doubled anywhere: an estate, or faults; never an exception of another kind."""
    documents = copy.deepcopy(DOCUMENTS)
    for _ in range(data.draw(st.integers(1, 3))):
        file = data.draw(st.sampled_from(sorted(documents)))
        known = places(documents[file])
        if not known:
            continue
        place = data.draw(st.sampled_from(known))
        around = documents[file]
        for key in place[:-1]:
            around = around[key]
        what = data.draw(st.sampled_from(["replace", "replace", "remove", "double"]))
        if what == "replace":
            around[place[-1]] = data.draw(ODD)
        elif what == "double" and isinstance(around, list):
            around.append(copy.deepcopy(around[place[-1]]))
        else:
            del around[place[-1]]
    texts = {
        name: yaml.safe_dump(document, allow_unicode=True, sort_keys=False) for name, document in documents.items()
    }
    try:
        load_estate(write(tmp_path, texts))
    except ConfigurationError as refused:
        for fault in refused.faults:
            assert 1 <= fault.line <= len(texts[fault.file].splitlines()), fault
            assert fault.sentence
            assert "\n" not in fault.sentence


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_torn_configuration_loads_or_names_faults(tmp_path: Path, data: st.DataObject) -> None:
    """The same of files cut off or with a few characters changed."""
    texts = dict(SOUND)
    name = data.draw(st.sampled_from(sorted(texts)))
    text = texts[name]
    cut = data.draw(st.integers(0, len(text)))
    texts[name] = text[:cut] + data.draw(st.text(max_size=4)) + text[cut + data.draw(st.integers(0, 9)) :]
    try:
        load_estate(write(tmp_path, texts))
    except ConfigurationError as refused:
        if not refused.faults:
            raise


MAINTENANCE = """
windows:
  - name: backup
    matchers: [target=a]
    start: "2026-01-04 02:00"
    duration: 2h
    rrule: FREQ=WEEKLY;BYDAY=SU
  - name: changes
    matchers: [team=network]
    calendar: changes.ics
"""


def test_maintenance_is_read_with_its_calendars_and_every_fault_has_its_line(tmp_path: Path) -> None:
    """The calendar lies in the home folder; a missing one, a bad rule and a bad matcher are named at once."""
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "maintenance.yaml").write_text(MAINTENANCE)
    (tmp_path / "changes.ics").write_text("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nEND:VCALENDAR\r\n")
    assert [one.name for one in load_estate(folder).routes.maintenance] == ["backup", "changes"]
    (tmp_path / "changes.ics").unlink()
    (folder / "maintenance.yaml").write_text(MAINTENANCE.replace("target=a", "target"))
    with pytest.raises(ConfigurationError) as refused:
        load_estate(folder)
    assert [(fault.file, fault.line) for fault in refused.value.faults] == [
        ("maintenance.yaml", 4),
        ("maintenance.yaml", 10),
    ]
    assert "changes.ics cannot be read: No such file" in refused.value.faults[1].sentence
    (folder / "maintenance.yaml").write_text(MAINTENANCE.replace("WEEKLY", "HOURLY"))
    with pytest.raises(ConfigurationError, match=r"maintenance.yaml:3: .*must say how often"):
        load_estate(folder)
