"""The timetable of faults: what is active when, and how a timetable of one's own is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from bomc.demo.shop.faults import TIMETABLE, Fault, FaultKind, active, read_timetable, suffers

ONCE = Fault(FaultKind.DOUBLE_CHARGE, 10, 5, 0)
AGAIN = Fault(FaultKind.CALLBACKS_LOST, 20, 70, 900, "alipay")


@pytest.mark.parametrize(
    ("fault", "elapsed_s", "is_active"),
    [
        pytest.param(ONCE, 0, False, id="before its first time"),
        pytest.param(ONCE, 9.999, False, id="just before its first time"),
        pytest.param(ONCE, 10, True, id="at its first instant"),
        pytest.param(ONCE, 14.999, True, id="just before its end"),
        pytest.param(ONCE, 15, False, id="at its end"),
        pytest.param(ONCE, 10_010, False, id="a fault without a period comes once"),
        pytest.param(AGAIN, 19, False, id="periodic, before its first time"),
        pytest.param(AGAIN, 20, True, id="periodic, first time"),
        pytest.param(AGAIN, 90, False, id="periodic, first end"),
        pytest.param(AGAIN, 919, False, id="periodic, just before its second time"),
        pytest.param(AGAIN, 920, True, id="periodic, second time"),
        pytest.param(AGAIN, 989.9, True, id="periodic, late in its second time"),
        pytest.param(AGAIN, 990, False, id="periodic, second end"),
        pytest.param(AGAIN, 20 + 900 * 1000, True, id="periodic, the thousandth time"),
    ],
)
def test_a_fault_is_active_exactly_in_its_stretches(fault: Fault, elapsed_s: float, is_active: bool) -> None:
    assert (fault in active([fault], elapsed_s)) is is_active


def test_threads_run_full_soon_after_the_start_and_callbacks_are_lost_within_two_minutes() -> None:
    assert [fault.kind for fault in active(TIMETABLE, 25)] == [FaultKind.THREADS_FULL]
    assert FaultKind.CALLBACKS_LOST in {fault.kind for fault in active(TIMETABLE, 119)}
    assert not active(TIMETABLE, 5)


def test_every_kind_of_fault_is_on_the_timetable() -> None:
    assert {fault.kind for fault in TIMETABLE} == set(FaultKind)


def test_a_fault_of_one_channel_leaves_the_others_alone_and_one_without_a_channel_touches_all() -> None:
    assert suffers([AGAIN], FaultKind.CALLBACKS_LOST, "alipay")
    assert not suffers([AGAIN], FaultKind.CALLBACKS_LOST, "wechat")
    assert not suffers([AGAIN], FaultKind.DOUBLE_CHARGE, "alipay")
    assert suffers([ONCE], FaultKind.DOUBLE_CHARGE, "wechat")


def test_a_timetable_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "timetable.yaml"
    file.write_text("- {kind: callbacks_lost, first_s: 20, length_s: 70, every_s: 900, channel: alipay}\n")
    assert read_timetable(file) == (AGAIN,)
    file.write_text("")
    assert read_timetable(file) == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("kind: threads_full", "must be a list"),
        ("- {kind: comet, first_s: 1, length_s: 1, every_s: 0}", "fault 1: 'comet'"),
        ("- {kind: threads_full, first_s: 1}", "fault 1"),
        ("- {kind: threads_full, first_s: 1, length_s: 0, every_s: 0}", "length_s above zero"),
        ("- {kind: threads_full, first_s: -1, length_s: 1, every_s: 0}", "none negative"),
        ("- {kind: threads_full, first_s: 1, length_s: 1, every_s: 0, colour: red}", "colour"),
        ("- {kind: threads_full, first_s: soon, length_s: 1, every_s: 0}", "fault 1"),
    ],
)
def test_a_bad_timetable_is_refused_with_a_sentence_that_names_the_row(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "timetable.yaml"
    file.write_text(text)
    with pytest.raises(ValueError, match=says):
        read_timetable(file)
