"""Reading controls: everything that is wrong in them is said at once, with file and line."""

from __future__ import annotations

from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.yaml_file import Document, parse_yaml
from reconciliation.controls.definition import EquationControl, MatchControl, load_control, read_controls
from reconciliation.controls.entries import version
from reconciliation.controls.match_faults import SOURCES
from reconciliation.controls.match_request import request_of
from tests.reconciliation.controls.estates import DAY, equation, faults_of, read

MATCH = """name: mobile-payment
title: {en: "Mobile payment", zh: "手机支付"}
kind: match
schedule: {at: "09:30", days: weekdays}
deadline: "12:00"
calendar: {cutoff_window: 15m, cutoff: "00:00", timezone: UTC}
parties:
  billing: {path: "exchange/{day}/billing.csv", due: "08:00"}
  bank: {path: "exchange/{day}/bank.sta", source: mt940, with: {account: "622200001"}}
rules: general
losers: {missing_in_bank: operator}
tolerance: {amount_minor: 5}
passes:
  - {tolerance: {amount_minor: 100, time: 2h, same: [channel]}}
  - {batch: {by: [channel, [record_id, business_key]]}}
  - {fuzzy: {amount_minor: 500, time: 1d, likeness: 0.8}}
dimensions: [channel, region]
limits: {storm: 100, classes: {missing_in_bank: {critical: 1}}, match_ratio: {warning: 0.999}}
"""
EQUATION = """name: rest
title: {en: "Rest", zh: "差额"}
kind: equation
schedule: {at: "09:30"}
quantities:
  in: {unit: fen, file: {path: "x/{day}/in.csv", sum: amount, where: {kind: data, state: [a, b]}}}
  out: {unit: fen, sql: {url: "env:BOSS", query: "select 1"}}
  unbooked: {unit: fen, run: {control: mobile-payment, take: classes.missing_in_bank.at_risk_minor}}
  rest: {is: "in - out"}
formula: "rest - unbooked"
unit: fen
balanced: {tolerance: "0.5"}
"""


def test_two_sound_controls_are_read_as_they_are_written(tmp_path: Path) -> None:
    (found, rest), faults = read(tmp_path, mobile_payment=MATCH, rest=EQUATION)
    assert faults == []
    assert isinstance(found, MatchControl)
    assert list(found.parties) == ["billing", "bank"]
    assert found.parties["billing"].due == time(8)
    assert found.calendar.cutoff_window == timedelta(minutes=15)
    assert found.passes[1].batch is not None
    assert found.passes[1].batch.by == (("channel", "channel"), ("record_id", "business_key"))
    assert not found.schedule.covers(DAY)  # a Sunday
    assert isinstance(rest, EquationControl)
    assert rest.balanced.tolerance == Decimal("0.5")
    assert rest.quantities["in"].file is not None
    assert rest.quantities["in"].file.where["state"].any_of == ("a", "b")


def test_every_fault_of_every_file_is_said_at_once_with_file_and_line(tmp_path: Path) -> None:
    faults = faults_of(
        tmp_path,
        one="""name: two
title: {en: A, zh: 甲}
kind: match
schedule: {at: 9:30}
parties:
  bank: {path: "in/bank.csv", source: fax, fetch: {pigeon: {}}}
  book: {path: "in/{day}/{hour}.csv", source: standard, with: {sheet: 1}}
rules: general
losers: {missing_in_moon: operator}
dimensions: [chanel]
passes:
  - {batch: {by: [branch]}}
  - {tolerance: {}, fuzzy: {}}
tolerance: {amount_minor: -1}
limits: {classes: {gone: {critical: 1}}}
colour: red
""",
        two="""name: two
title: {en: B}
kind: equation
schedule: {at: "09:30", days: daily, month_day: 1}
deadline: "09:00"
quantities:
  in: {unit: "1", file: {path: "x/{day}/in.csv", count: true, sum: records}}
  out: {unit: fen, value: 1}
  spare: {unit: "1", run: {control: nobody, take: breaks}}
formula: "in - out - gone"
unit: "1"
balanced: {tolerance: 0, at_most: 1}
limits: {classes: {matched: {critical: 1}}}
""",
    )
    expected = (
        ("one.yaml:1:", "call it two.yaml"),
        ("one.yaml:4:", "put it in quotes"),
        ("one.yaml:6:", "the path must hold {day}"),
        ("one.yaml:6:", "there is no source 'fax'; there are standard, wechat_bill"),
        ("one.yaml:6:", "there is no fetch 'pigeon'; there are sftp, sql_query"),
        ("one.yaml:7:", "the path holds {hour}"),
        ("one.yaml:7:", "standard has no settings of its own"),
        ("one.yaml:9:", "there is no class 'missing_in_moon'; there are"),
        ("one.yaml:10:", "dimensions: there is no column 'chanel'; there are record_id"),
        ("one.yaml:12:", "passes.0.batch.by: there is no column 'branch'"),
        ("one.yaml:13:", "a pass is one of tolerance, batch and fuzzy"),
        ("one.yaml:14:", "greater than or equal to 0"),
        ("one.yaml:15:", "there is no class 'gone'"),
        ("one.yaml:16:", "colour is not known here"),
        ("two.yaml:1:", "the control 'two' is defined in controls/one.yaml already"),
        ("two.yaml:2:", "title.zh is missing"),
        ("two.yaml:4:", "give one of days, month_day and cycles"),
        ("two.yaml:7:", "give one of count: true, sum"),
        ("two.yaml:10:", "there is no quantity 'gone'; there are in, out, spare"),
        ("two.yaml:12:", "balanced is one of tolerance"),
        ("two.yaml:13:", "an equation has the class out_of_balance alone, not 'matched'"),
    )
    for place, words in expected:
        assert any(fault.startswith(f"controls/{place}") and words in fault for fault in faults), (place, words, faults)
    assert faults == sorted(set(faults), key=faults.index)


def test_a_pass_of_three_parties_says_between_which_two_it_looks(tmp_path: Path) -> None:
    faults = faults_of(
        tmp_path,
        three="""name: three
title: {en: A, zh: 甲}
kind: match
schedule: {at: "09:30"}
parties:
  own: {path: "in/{day}/own.csv"}
  platform: {path: "in/{day}/platform.csv"}
  bank: {path: "in/{day}/bank.csv"}
rules: general
passes:
  - {between: [own, bank], tolerance: {}}
  - {tolerance: {}}
  - fuzzy: {}
    between: [own, moon]
  - {batch: {by: [channel]}, between: [bank, bank]}
  - {tolerance: {}, between: [own, platform, bank]}
  - {tolerance: {}, between: bank}
""",
    )
    expected = (
        "12: passes.1: a pass brings rows of two parties together; this match has 3, so name two of them, such as "
        "`between: [own, bank]`",
        "14: passes.2: between: there is no party 'moon'; there are own, platform, bank",
        "15: passes.3: between: 'bank' is named twice; a pass looks between two different parties",
        "16: passes.4.between: name the two parties that the pass looks between, such as [platform, bank]",
        "17: passes.5.between: name the two parties that the pass looks between, such as [platform, bank] (found 'bank')",
    )
    assert [str(fault) for fault in faults] == [f"controls/three.yaml:{sentence}" for sentence in expected]


def test_the_two_parties_of_a_pass_are_read_and_change_the_version(tmp_path: Path) -> None:
    """Of two parties the pass need not name them; a control that does not keeps the version that it had."""
    (found, _), _ = read(tmp_path, mobile_payment=MATCH, rest=EQUATION)
    named = MATCH.replace("- {fuzzy:", "- {between: [bank, billing], fuzzy:")
    (other, _), faults = read(tmp_path, mobile_payment=named, rest=EQUATION)
    assert faults == []
    assert isinstance(found, MatchControl)
    assert isinstance(other, MatchControl)
    asked = request_of(other, DAY, tmp_path, tmp_path / "out")
    assert [each.between for each in asked.passes] == [None, None, ("bank", "billing")]
    assert version(found) != version(other)


HEAD = 'title: {en: A, zh: 甲}\nkind: equation\nschedule: {at: "09:30"}\n'


def one_fault(folder: Path, body: str) -> str:
    found = faults_of(folder, a=f"name: a\n{HEAD}{body}")
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    ("quantities", "formula", "unit", "sentence"),
    [
        (
            "{a: {unit: fen, value: 1}, b: {unit: min, value: 1}}",
            "a + b",
            "fen",
            "unbalanced: a is in fen and b in min",
        ),
        ("{a: {unit: fen, value: 1}}", "a * a", "fen", "unbalanced: the result is in fen.fen, but fen is stated"),
        ("{a: {unit: fen, value: 1}}", "a + 1", "fen", "unbalanced: a is in fen and 1 in 1"),
        ("{a: {unit: fen, value: 1}, b: {unit: fen, is: a / a}}", "b", "fen", "the result is in 1, but fen is stated"),
        ("{a: {is: b}, b: {is: c + a}, c: {unit: '1', value: 1}}", "a", "'1'", "in a ring: a -> b -> a"),
        ("{a: {is: a}}", "a", "'1'", "in a ring: a -> a"),
        ("{a: {unit: '1', value: 1}, b: {unit: '1', value: 1}}", "a", "'1'", "b is used by no formula"),
        ("{a: {unit: '1', value: 1}}", "a ** a", "'1'", "is no formula"),
        ("{a: {unit: '1', value: 1}}", "a + b", "'1'", "there is no quantity 'b'; there are a"),
        ("{a: {value: 1}}", "a", "'1'", "unit is missing"),
        ("{a: {unit: '1'}}", "a", "'1'", "give one of file, sql, cdr_headers, run, value and is"),
        ("{a: {unit: '€', value: 1}}", "a", "'1'", "'€' is no unit"),
        ("{a: {unit: '1', value: .nan}}", "a", "'1'", "beyond 64 bits"),
        ("{a: {unit: '1', value: 10000000000000000000}}", "a", "'1'", "beyond 64 bits"),
        ("{max: {unit: '1', value: 1}, a: {unit: '1', value: 1}}", "a + max(a, 1)", "'1'", "is a function of formulas"),
        ("{a: {unit: '1', run: {control: a, take: breaks}}}", "a", "'1'", "the control refers to its own run"),
        ("{a: {unit: '1', run: {control: z, take: breaks}}}", "a", "'1'", "there is no control 'z'"),
        ("{a: {unit: '1', sql: {url: 'env:X', query: 'delete from t'}}}", "a", "'1'", "only a SELECT is allowed"),
        ("{a: {unit: '1', sql: {url: 'env:X', query: 'select 1; select 2'}}}", "a", "'1'", "only one statement"),
        (
            "{a: {unit: '1', sql: {url: 'postgresql://u:p@h/d', query: select 1}}}",
            "a",
            "'1'",
            "a secret must be given as",
        ),
        ("{a: {unit: '1', file: {path: 'x/{day}', source: standard, sum: amount}}}", "a", "'1'", "no column 'amount'"),
        ("{a: {unit: '1', file: {path: 'x/{day}', percentile: 95}}}", "a", "'1'", "percentile and of belong together"),
        ("{a: {unit: '1', file: {path: 'x/{day}', each: 'a **'}}}", "a", "'1'", "is no formula"),
        ("{a: {unit: '1', run: {control: z, take: breaks, absent_is_zero: true}}}", "a", "'1'", "is only for classes"),
    ],
)
def test_a_fault_of_an_equation_is_said_once(
    quantities: str, formula: str, unit: str, sentence: str, tmp_path: Path
) -> None:
    body = f"quantities: {quantities}\nformula: {formula!r}\nunit: {unit}\nbalanced: {{tolerance: 0}}\n"
    found = faults_of(tmp_path, a=f"name: a\n{HEAD}{body}")
    assert any(sentence in fault for fault in found), found
    assert sum(sentence in fault for fault in found) == 1


def test_a_fault_of_a_quantity_hides_no_other_fault(tmp_path: Path) -> None:
    """Wrong fields of a quantity, its unknown column, its ring, and one that nothing uses are all said at once."""
    body = """quantities:
  a: {unit: fen, is: b, colour: red}
  b: {unit: fen, is: a}
  c: {unit: fen, file: {path: x.csv, source: standard, sum: amout_minor, where: {chanel: app}}}
  lone: {unit: fen, value: 1}
formula: a + c
unit: fen
balanced: {tolerance: 0}
"""
    found = faults_of(tmp_path, a=f"name: a\n{HEAD}{body}")
    for sentence in (
        "colour is not known here",
        "in a ring: a -> b -> a",
        "the path must hold {day}",
        "there is no column 'amout_minor'",
        "there is no column 'chanel'",
        "lone is used by no formula",
    ):
        assert sum(sentence in fault for fault in found) == 1, (sentence, found)
    assert len(found) == 6


def test_controls_that_read_each_others_runs_in_a_ring_are_said_with_the_ring(tmp_path: Path) -> None:
    body = HEAD + 'formula: "a"\nunit: "1"\nbalanced: {tolerance: 0}\n'
    files = {
        name: f'name: {name}\n{body}quantities: {{a: {{unit: "1", run: {{control: {other}, take: breaks}}}}}}\n'
        for name, other in (("a", "b"), ("b", "c"), ("c", "a"))
    }
    (fault,) = faults_of(tmp_path, **files)
    assert "controls refer to each other in a ring: a -> b -> c -> a" in fault


def test_a_class_that_the_other_control_cannot_have_is_said(tmp_path: Path) -> None:
    faults = faults_of(tmp_path, mobile_payment=MATCH, rest=EQUATION.replace("missing_in_bank", "missing_in_moon"))
    assert len(faults) == 1
    assert "rest.yaml:8: unbooked: the control 'mobile-payment' has no class 'missing_in_moon'" in faults[0]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("  bank: ", "  # bank: ", "at least 2 parties; 1 is given"),
        ("rules: general", "rules: three_way", "the three-way rules are for billing, platform, payment"),
        ('deadline: "12:00"', 'deadline: "09:00"', "the deadline 09:00 is before the run itself, at 09:30"),
        ("rules: general", "rules: general\nkey: [account]", "records are matched by business_key and kind"),
        ("rules: general", "rules: general\nkey: [accounts]", "key: there is no column 'accounts'"),
        ("timezone: UTC", "timezone: Mars", "'Mars' is no time zone"),
        ("cutoff_window: 15m", "cutoff_window: 15", "is not a length of time"),
        ("{account: ", "{colour: red, account: ", "colour is not known here"),
        ("kind: match", "kind: mismatch", "kind must be match or equation, not 'mismatch'"),
        ("kind: match\n", "", "kind must be match or equation; it is missing"),
    ],
)
def test_a_fault_of_a_match_is_said(old: str, new: str, sentence: str, tmp_path: Path) -> None:
    found = faults_of(tmp_path, mobile_payment=MATCH.replace(old, new))
    assert any(sentence in fault for fault in found), found


@pytest.mark.parametrize("text", ["", "- a\n", "a: [", "x\n", "\x00", "name: {a: &b 1}\n", "kind: match\nparties: 3\n"])
def test_a_file_that_is_no_control_is_a_fault_and_no_crash(text: str, tmp_path: Path) -> None:
    controls, faults = read(tmp_path, a=text)
    assert controls == ()
    assert faults


LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["in - out", "a"])
)
NAMES = """
name kind title en zh schedule at days parties path source with fetch rules key losers passes batch by between dimensions limits
classes quantities in out unit file sum where sql url query run control take is formula balanced tolerance value
"""
WORDS = st.sampled_from(NAMES.split())
VALUES = st.recursive(
    LEAVES, lambda parts: st.lists(parts, max_size=3) | st.dictionaries(WORDS, parts, max_size=5), max_leaves=25
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # making documents takes long on a busy machine
@given(st.sampled_from(["match", "equation"]), st.dictionaries(WORDS, VALUES, max_size=12))
def test_whatever_stands_in_a_file_is_a_control_or_a_fault(kind: str, rest: dict[str, object]) -> None:
    document = Document("x.yaml", {**rest, "kind": kind})
    control = load_control(document)
    assert control is not None or document.faults


@given(st.sampled_from([MATCH, EQUATION]), st.data())
def test_a_sound_control_with_one_part_replaced_is_a_control_or_a_fault(text: str, data: st.DataObject) -> None:
    value = parse_yaml(text, "x.yaml").value
    place = data.draw(st.sampled_from(sorted(value)))
    document = Document("x.yaml", {**value, place: data.draw(VALUES)})
    if load_control(document) is None:
        assert document.faults


def test_a_folder_that_is_not_there_holds_no_control(tmp_path: Path) -> None:
    assert read_controls(tmp_path / "controls") == ((), [])


def test_a_file_with_the_other_suffix_is_not_passed_over_in_silence(tmp_path: Path) -> None:
    (tmp_path / "controls").mkdir()
    (tmp_path / "controls" / "a.yml").write_text(MATCH, encoding="utf-8")
    assert "this file is not read" in faults_of(tmp_path)[0]


def test_the_version_changes_with_what_can_change_a_result_and_with_nothing_else() -> None:
    body = 'quantities: {a: {unit: "1", value: 1}}\nformula: "a"\nunit: "1"\nbalanced: {tolerance: 1}\n'
    plain = version(equation(body))
    assert version(equation(body + 'owner: somebody\ndeadline: "12:00"\nlimits: {storm: 3}\n')) == plain
    assert version(equation(body.replace("value: 1", "value: 2"))) != plain


def test_the_sources_that_a_party_may_name() -> None:
    assert list(SOURCES) == ["standard", "wechat_bill", "alipay_bill", "unionpay_zm", "mt940", "camt053", "excel"]
