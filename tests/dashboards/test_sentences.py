"""Sentences that the store keeps are said in the reader's language, whatever part of the house wrote them."""

from __future__ import annotations

import ast
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from core.store.open import reading, writing
from core.store.tables import break_event
from dashboards.locale import Say
from dashboards.sentences import KNOWN, LONGEST_BRIEF, by_zone, judged, told
from dashboards.sentences.delivering import fault_said
from dashboards.sentences.history import EVENTS, event_detail
from dashboards.sentences.judging import SHAPES as JUDGING
from dashboards.sentences.shapes import NARROW, WHOLE, fitted, kind_of, shape
from dashboards.sentences.sources import source_said
from dashboards.sentences.tickets import event_detail as event_detail_of_ticket
from reconciliation.desk import adjustments, cases
from tests.reconciliation.desk.world import DEADLINE, NOON, case_of, line, run_of

ROOT = Path(__file__).parents[2]
EN, ZH = Say("en"), Say("zh_CN")
CHINESE = re.compile("[\u4e00-\u9fff]")

SAID = [
    (
        "Break 7 is explained; to assign it, it must be open or proposed or approved.",
        "差错 7 的状态为「已说明」；要分派，其状态必须是：待处理、待审批、待验证。",
    ),
    ("This needs a reason; nothing was written.", "需要填写原因；未写入任何内容。"),
    ("ticket 5: it runs on after its window", "工单 5：该变更超出变更窗口仍在实施"),
    ("R-7 New disks: the change has no result and its window is over", "R-7 New disks：变更窗口已结束而无结果"),
    (
        "There is no account named lee that is open; give the ticket to somebody who has one.",
        "没有名为 lee 的可用账号；请把工单派给有账号的人员。",
    ),
    (
        "guest has the role viewer, which does not work on tickets; choose somebody else.",
        "guest 的角色是查看者，不处理工单；请选择其他人员。",
    ),
    ("li.wei prepared run 3; another person must review it.", "批次 3 由 li.wei 编制；须由另一人复核。"),
    (
        "'-' is not an amount; write digits and a point, such as 12.30; nothing was written.",
        "'-' 不是金额；请写数字和小数点，如 12.30；未写入任何内容。",
    ),
    (
        "Ticket 12 was passed on to network; it is for its people or a dispatcher to take it.",
        "工单 12 已转交 network；须由该部门人员或调度员领单。",
    ),
    (
        "market is not of network, to which ticket 12 was passed on; ask a dispatcher.",
        "market 不属于 network，工单 12 已转交该部门；请联系调度员。",
    ),
    ("Ticket 3 is resolved; its priority is of no more use.", "工单 3 的状态为「已解决」；不能再修改优先级。"),
    ("Ticket 3 has the priority high already.", "工单 3 的优先级已是「高」。"),
    (
        "/data/exchange/2026-11-01/billing.csv: the billing file is missing; ask the sender for it",
        "/data/exchange/2026-11-01/billing.csv：计费的文件缺失；请向发送方索取",
    ),
    (
        "x/payment.csv: it has 4102 rows and the manifest states 4180; ask for the file again",
        "x/payment.csv：文件有 4102 行，而清单文件写的是 4180 行；请重新索取文件",
    ),
    ("opening: exchange/a.csv, line 3: amount 'x' is not a plain number", None),
    (
        "bank.sta: statement 00123 states 3 entries and has 2; it is cut short or doubled",
        "bank.sta：账单 00123 写明 3 条分录，实有 2 条；文件被截断或重复",
    ),
    (
        "the result is not known: a is not known: x.csv: the file is missing; ask the sender for it",
        "结果未知：a 未知：x.csv：文件缺失；请向发送方索取",
    ),
    (
        "The payment file of 2026-03-08 changed after it had come: a.csv had 1,200 bytes (0a1b) and now 1,300 (2c3d). "
        "Ask the sender why, and run the day again.",
        "支付 2026-03-08 的文件送达后有变动：a.csv 原为 1,200 字节（0a1b），现为 1,300 字节（2c3d）。"
        "请询问发送方原因，并重跑当日。",
    ),
    (
        "The payment file of 2026-03-08 came more than once, with the same content: a.csv, b.csv. "
        "Ask the sender which one holds.",
        "支付 2026-03-08 的文件多次送达，内容相同：a.csv, b.csv。请询问发送方以哪一份为准。",
    ),
    ("27, above the critical limit 20 (2 of the last 3 samples)", "27，高于严重限值 20（最近 3 个采样中有 2 个）"),
    (
        "2.63 s, above the critical limit 1 s (1 of the last 3 samples; it takes 2)",
        "2.63 s，高于严重限值 1 s（最近 3 个采样中有 1 个，达到 2 个才判定）",
    ),
    (
        "changes by 9 in 1m, below the warning limit 10 (1 of the last 3 samples; it takes 2)",
        "1m 内变化 9，低于警告限值 10（最近 3 个采样中有 1 个，达到 2 个才判定）",
    ),
    (
        "host-1, disk.used_ratio (mount=/var): 97 %, above the critical limit 95 %",
        "host-1，disk.used_ratio（mount=/var）：97 %，高于严重限值 95 %",
    ),
    ("web-1: web.response_s is 2.63 s", "web-1：web.response_s 为 2.63 s"),
    ("disk: the free space is low", "disk: the free space is low"),
    ("it is critical now, and ops has it", "现为严重，由 ops 接收"),
    ("3 %, below the warning limit 5 %", "3 %，低于警告限值 5 %"),
    ("37.5 %, within at most 70 %", "37.5 %，未超过上限 70 %"),
    (
        "changes by 0 in 1m, but 3 of the last 4 samples are above the warning limit 3",
        "1m 内变化 0，但最近 4 个采样中有 3 个高于警告限值 3",
    ),
    (
        "critical: 20 °C, still warning until 2 of the last 3 samples are 5 % back of the limit 27 °C",
        "严重：20 °C，最近 3 个采样中有 2 个回到限值 27 °C 以内并留出 5 % 余量之前仍为警告",
    ),
    (
        "no data for 90 s (latest at 2026-03-02 12:07:00 UTC, 30 s allowed); its probe says: refused: nobody listens",
        "已 90 s 无数据（最近一次在 2026-03-02 12:07:00，允许 30 s）；采集报错：refused: nobody listens",
    ),
    (
        "it was last heard of at 2026-03-02 12:00:00 UTC, was expected at 2026-03-02 12:01:00 UTC, "
        "and 30s of grace are over",
        "最近一次上报在 2026-03-02 12:00:00，应于 2026-03-02 12:01:00 上报，30s 宽限已过",
    ),
    ("The job nightly: export is late", "The job nightly: export is late"),
    ("The job nightly-export is late", "作业 nightly-export 超时未上报"),
    (
        "Ticket 1 will be late soon: to resolve it is due at 2026-03-02T15:26:30Z. Bills: late",
        "工单 1 即将超时：须于 2026-03-02 15:26:30 前解决。Bills: late",
    ),
    (
        "Ticket 1 is late: to answer it was due at 2026-03-02T15:26:30Z.",
        "工单 1 已超时：应于 2026-03-02 15:26:30 前响应。",
    ),
    ("warning -> critical: 27, above the critical limit 20", "警告 → 严重：27，高于严重限值 20"),
    ("critical: the disk is on fire", "critical: the disk is on fire"),
    (
        "receiver ops: inhibited by alert 2 (host-down, host-1), which is open: inhibit rule 1",
        "接收人 ops：被未恢复的告警 2（host-down, host-1）抑制：抑制规则 1",
    ),
    (
        "receiver ops: suppressed: its parent sw-1 is down (alert 51, host-down); "
        "silenced by li until 2026-03-02 12:07 UTC: disks; new ones (silence 1c-2)",
        "接收人 ops：依赖抑制：上级 sw-1 已中断（告警 51，host-down）；"
        "已被 li 静默至 2026-03-02 12:07:00：disks; new ones（静默 1c-2）",
    ),
    (
        "receiver ops: suppressed: its parent sw-1 recovered at 2026-03-02 12:09:00 UTC, and what still fires is told 2m after "
        "that",
        "接收人 ops：依赖抑制：上级 sw-1 已于 2026-03-02 12:09:00 恢复，2m 后仍在告警的才通知",
    ),
    (
        "receiver ops: suppressed: its parent sw-1 recovered at 12:09:00 UTC, and what still fires is told 2m after that",
        "接收人 ops：依赖抑制：上级 sw-1 已于 12:09:00 UTC 恢复，2m 后仍在告警的才通知",
    ),
    (
        "receiver ops: no longer kept quiet: its silence is over; its parent is up",
        "接收人 ops：恢复通知：静默已结束；上级已恢复",
    ),
    (
        "turn 9 of layer base; li.wei is away (on leave: home), so zhang.min, next of the rotation",
        "值班层 base 第 9 轮；li.wei 请假（on leave: home），由轮值下一位 zhang.min 顶班",
    ),
    (
        "zhang.min has override 7 of city from 2026-01-05 00:00 UTC to 2026-01-06 00:00 UTC already; take that one back first.",
        "zhang.min 在 2026-01-05 00:00:00 至 2026-01-06 00:00:00 已有 city 的代班 7；请先撤销该代班。",
    ),
    (
        "http://127.0.0.1:9 cannot be reached: [Errno 111] Connection refused",
        "无法连接 http://127.0.0.1:9：连接被拒绝",
    ),
    (
        "given up after 5 tries: http://127.0.0.1:9 answered 503 Service Unavailable: busy",
        "尝试 5 次后放弃：http://127.0.0.1:9 应答 503 Service Unavailable：busy",
    ),
    ("'abc' is no number; write digits, such as 12.", "'abc' 不是编号；请填写数字，如 12。"),
    ("a doctor answered 3 times", "a doctor answered 3 times"),
    (
        "receiver ops, firing: given up after 5 tries: the mail server mx:25 cannot be reached: timed out",
        "接收人 ops，告警产生：尝试 5 次后放弃：无法连接邮件服务器 mx:25：连接超时",
    ),
    ("receiver ops, firing: webhook http://127.0.0.1:9", "接收人 ops，告警产生：Webhook 接口 http://127.0.0.1:9"),
    (
        "no data for 90 s (latest at 2026-03-02 12:07:00 UTC, 30 s allowed); "
        "its probe says: cannot connect to db-1:5432 (10.0.0.7): Connection refused",
        "已 90 s 无数据（最近一次在 2026-03-02 12:07:00，允许 30 s）；采集报错：无法连接 db-1:5432（10.0.0.7）：连接被拒绝",
    ),
    ("Something that no shape fits, written by hand.", "Something that no shape fits, written by hand."),
    (
        "x.csv: something that no shape fits; ask the sender for it",
        "x.csv: something that no shape fits; ask the sender for it",
    ),
]


@pytest.mark.parametrize(("sentence", "chinese"), SAID)
def test_a_sentence_is_said_in_chinese_and_stays_as_it_is_in_english(sentence: str, chinese: str | None) -> None:
    """A sentence of no known shape, and one with a part of none, is shown whole as it was written."""
    plain = re.sub(r"(\d)(T| )(\d\d:\d\d:\d\d)(Z| UTC)(?= |,|\.)", r"\1 \3", sentence)
    assert told(sentence, EN) == re.sub(r"(\d-\d\d \d\d:\d\d) UTC(?= |:)", r"\1:00", plain)
    if chinese is None:
        assert CHINESE.search(told(sentence, ZH))
    else:
        assert told(sentence, ZH) == chinese


@pytest.mark.parametrize(
    ("fault", "chinese"),
    [
        ("No such file or directory", "文件或目录不存在"),
        ("[Errno 2] No such file or directory: '/data/a.csv'", "文件或目录不存在: '/data/a.csv'"),
        ("[Errno -2] Name or service not known", "主机名无法解析"),
        ("another program's own words", "another program's own words"),
    ],
)
def test_what_the_operating_system_says_is_said_in_chinese(fault: str, chinese: str) -> None:
    """Words of other programs stay as they are."""
    assert fault_said(fault, ZH) == chinese


def test_the_deadline_in_the_history_of_a_ticket_is_in_the_viewers_zone() -> None:
    there = Say("zh_CN", "Asia/Shanghai", "Asia/Shanghai")
    said = event_detail_of_ticket(
        "resolve_warned", "Ticket 1 will be late soon: to resolve it is due at 2026-03-02T15:26:30Z.", there
    )
    assert said == "工单 1 即将超时：须于 2026-03-02 23:26:30 前解决。"


RAISED = {
    "reconciliation/desk": ("DeskError",),
    "dashboards": ("DeskError",),
    "alerts": ("AlertError", "LetterError", "SilenceError", "UnknownSilenceError", "TooBroadError", "ProposalError"),
    "alerts/tickets": ("TicketError",),
    "alerts/oncall/commands.py": ("OnCallError",),
    "alerts/oncall/trying.py": ("OnCallError",),
    "alerts/duty": ("DutyError",),
    "alerts/changes": ("ChangeError",),
    "reconciliation/sources": ("SourceError",),
    "reconciliation/controls": ("TableError", "QuantityError", "SqlError"),
}
"""Where errors are raised whose sentences people read on the pages about reconciliation."""


def raised() -> Iterator[tuple[str, str]]:
    """Place and sample of every such sentence: the text of the source with something in its holes."""
    for folder, names in RAISED.items():
        for path in sorted((ROOT / folder).rglob("*.py")) or [ROOT / folder]:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                called = node.exc if isinstance(node, ast.Raise) else None
                if isinstance(called, ast.Call) and isinstance(called.func, ast.Name) and called.func.id in names:
                    text = sample(called.args[0], path.stem)
                    if text is not None:
                        yield f"{path.relative_to(ROOT)}:{called.lineno}", text


REFUSING = (
    "reconciliation/arrival.py",
    "reconciliation/carried.py",
    "reconciliation/loading.py",
    "reconciliation/match.py",
    "reconciliation/controls/equation.py",
)
"""Modules that raise nothing, but hand back the sentences of a refusal."""
FEWEST_WORDS = 4


def refused() -> Iterator[tuple[str, str]]:
    """Place and sample of every text in these modules that is a sentence: of some words, or behind the place it is of."""
    for name in REFUSING:
        tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
        parts = {id(part) for node in ast.walk(tree) for part in _parts(node)}
        for text in ast.walk(tree):
            if isinstance(text, ast.JoinedStr | ast.Constant) and id(text) not in parts:
                words = _said(text)
                if len(words.split()) >= FEWEST_WORDS or words.startswith(": "):
                    yield f"{name}:{text.lineno}", str(sample(text, Path(name).stem))


def _parts(node: ast.AST) -> Iterator[ast.AST]:
    """What is no text by itself: a docstring, and whatever stands inside another text."""
    if isinstance(node, ast.Expr):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield from (inner for part in node.values for inner in ast.walk(part))


def _said(node: ast.Constant | ast.JoinedStr) -> str:
    """The text without what stands in its holes."""
    values = node.values if isinstance(node, ast.JoinedStr) else [node]
    return "".join(part.value for part in values if isinstance(part, ast.Constant) and isinstance(part.value, str))


def sample(node: ast.expr, module: str) -> str | None:
    """What an expression may be as text; None when it is no text of its own, as in `str(error)`."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if not isinstance(node, ast.JoinedStr):
        return None
    parts = []
    for part in node.values:
        if isinstance(part, ast.Constant):
            parts.append(str(part.value))
        else:
            assert isinstance(part, ast.FormattedValue)
            hole = ast.unparse(part.value)
            parts.append(HOLES.get(f"{module}: {hole}") or HOLES.get(hole, "x7"))
    return "".join(parts)


HOLES = {
    "error": "the file is missing",
    "value.reason": "rate is 0, and nothing can be divided by it",
    "bad.reason": "is not an amount",
    "what": "row",
    "alipay_bill: what": "its first lines name no account (账号)",
    "' to '.join(period)": "2026-11-01 to 2026-11-02",
    "fault": "OPBD stands twice",
    "iso20022: fault": "the file is missing",
    "__init__: what": "it is a web page or an answer in XML, and no rows",
    "sign": "closes with an interim balance (ITBD)",
    "where": "the statement of line 7",
    "shape": "no row",
    "rest": "",
    "more": "",
    "name": "closing balance (:62F:)",
    "arrival: name": "rows",
    "links: what": "alert",
    "arrival: where": " in it",
    "loading: unreadable": "even line by line",
    "'missing' if name not in stated else f'not {meant}'": "not an integer",
    "found.reason": "the file is missing",
    "result.reason": "rate is 0, and nothing can be divided by it",
    "at_risk.reason": "rate is 0, and nothing can be divided by it",
}
"""What stands in holes, of a module or of all, that hold parts of sentences; in the others, a name or a number."""


EVERY = [pytest.param(*each, id=each[0]) for each in (*raised(), *refused())]


@pytest.mark.parametrize(("place", "sentence"), EVERY)
def test_every_sentence_that_a_page_can_show_has_a_shape(place: str, sentence: str) -> None:
    """Whoever writes a new one gives it a shape in dashboards/sentences and its Chinese in the catalogue."""
    assert told(sentence, ZH) != sentence, f"{place}: no shape for {sentence!r}"


def test_the_test_above_finds_the_sentences() -> None:
    assert len(list(raised())) > 180
    found = [place.partition(":")[0] for place, _ in refused()]
    assert all(found.count(name) >= fewest for name, fewest in zip(REFUSING, (12, 3, 3, 2, 4), strict=True))


@pytest.mark.parametrize(
    "sentence",
    [
        pytest.param("".join(f"a{n} in the, above the limit at " for n in range(400)), id="limits"),
        pytest.param("changes by " + "1 in 2, but 3 of the last 4 samples are " * 100, id="changes"),
        pytest.param("; it was open for, was expected at" * 100, id="endings"),
    ],
)
def test_what_others_push_never_holds_up_a_page(sentence: str) -> None:
    """Texts of any length that look like many sentences at once are done with quickly; long ones are shown as they are."""
    judged("x", ZH)
    began = time.process_time()
    assert judged(sentence, ZH) == sentence
    assert judged(sentence[:LONGEST_BRIEF], ZH)
    assert time.process_time() - began < 1


def by_expression(message: str, sentence: str) -> dict[str, str] | None:
    """The same as `fitted` by a regular expression: easier to see through, and endless on long texts."""
    pattern = re.escape(message)
    for hole in shape(message).holes:
        inside = "(?:.)+?" if kind_of(hole) in WHOLE else r"(?:(?!: |; |\. ).)+?"
        inside = NARROW[kind_of(hole)].pattern if kind_of(hole) in NARROW else inside
        pattern = pattern.replace(re.escape(f"{{{hole}}}"), f"(?P<{hole}>{inside})", 1)
    found = re.fullmatch(pattern, sentence, re.DOTALL)
    return None if found is None else found.groupdict()


MESSAGES = (
    "{a}",
    "x{a}",
    "{a}: {text}",
    "{a}, {b}, {words}.",
    "{text}; {b}; {c}",
    "a{text}ab{b}a",
    "{a}. {b} x {text}",
    "ab",
)


@given(
    st.sampled_from(MESSAGES), st.lists(st.sampled_from(["a", "b", "x", ", ", ": ", "; ", ". ", ".", " "]), max_size=12)
)
def test_what_stands_in_the_holes_is_what_a_regular_expression_finds(message: str, parts: list[str]) -> None:
    sentence = "".join(parts)
    assert fitted(shape(message), sentence) == by_expression(message, sentence)


def test_each_known_sentence_is_taken_apart_as_a_regular_expression_does() -> None:
    for sentence in (each for each, _chinese in SAID if len(each) <= LONGEST_BRIEF):
        for message in (*KNOWN, *JUDGING):
            assert fitted(shape(message), sentence) == by_expression(message, sentence), (message, sentence)


def steps(text: str) -> int:
    """How many functions are called to find out that a text is of no known shape."""
    count = 0

    def counted(_frame: object, event: str, _what: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        assert told(text, ZH) == text
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("part", ["of a and b is c, ask {n}: the file of x; ", "word ", "of, to be in the by at: "])
def test_a_long_text_of_people_takes_steps_in_proportion_to_its_length(part: str) -> None:
    """Several kB of what a person or a program wrote, full of what stands between the holes of shapes."""
    told("x", ZH)
    short, long = (f"{part * n}{n} ends so" for n in (4_000 // len(part), 16_000 // len(part)))
    assert steps(long) < 6 * steps(short)


def test_an_english_sentence_says_its_instants_in_the_readers_zone() -> None:
    here = Say("en", "Asia/Shanghai")
    late = "Ticket 1 is late: to answer it was due at 2026-03-02T15:26:30Z."
    assert judged(late, here) == "Ticket 1 is late: to answer it was due at 2026-03-02 23:26:30."
    looked = "duty-room was told; its group is looked at next at 2026-03-02 15:26:30 UTC"
    assert told(looked, here) == "duty-room was told; its group is looked at next at 2026-03-02 23:26:30"
    assert judged("The log says 2026-03-02T15:26:30Z twice", here) == "The log says 2026-03-02T15:26:30Z twice"


def test_what_happens_to_a_break_is_said_in_both_languages(store: Engine) -> None:
    """Every event that the desk writes of itself; what people wrote stays as they wrote it."""
    with writing(store) as connection:
        number = case_of(connection)
        cases.assign(connection, [number], "li.wei", "li.wei", NOON)
        cases.set_reason(connection, [number], "li.wei", "system_fault", NOON)
        first = adjustments.propose(connection, number, "li.wei", "write_off", None, 500, "Not worth it.", NOON)
        adjustments.reject(connection, first, "zhao.lei", "It is.", NOON)
        second = adjustments.propose(connection, number, "li.wei", "back_fill", "billing", 5000, "Book it.", NOON)
        adjustments.approve(connection, second, "zhao.lei", "", NOON)
        later = run_of(connection, "2026-11-02")
        adjustments.prove(connection, second, later.id, NOON)
        again = run_of(connection, "2026-11-02", [line("T1")], mark="again")
        cases.open_cases(connection, again, [line("T1")], NOON, DEADLINE)
        cases.comment(connection, [number], "li.wei", "to whom it may concern", NOON)
        cases.reopen(connection, [number], "li.wei", "to begin anew", NOON)
        cases.explain(connection, [number], "li.wei", "timing", "Booked a day later.", NOON)
        third = case_of(connection, line("T2"))
        withdrawn = adjustments.propose(connection, third, "li.wei", "write_off", None, 500, "No.", NOON)
        adjustments.withdraw(connection, withdrawn, "li.wei", "", NOON)
    with reading(store) as connection:
        rows = connection.execute(select(break_event).order_by(break_event.c.id)).all()
    chinese = [(row.kind, event_detail(row.kind, row.detail, ZH)) for row in rows]
    english = [event_detail(row.kind, row.detail, EN) for row in rows]
    told_of = dict(chinese)
    assert told_of["found_again"] == f"2026-11-02 的对账再次发现（批次 {again.id}）"
    assert told_of["disproven"] == f"2026-11-02 的对账（批次 {again.id}）再次发现该差错；重新等待验证"
    assert told_of["approved"].startswith("li.wei 的")
    assert told_of["comment"] == "to whom it may concern"
    assert told_of["reopened"] == "to begin anew"
    assert told_of["explained"].endswith("：Booked a day later.")
    assert "Back-fill at Billing, CNY 50.00: Book it." in english
    assert "Write-off, CNY 5.00: Not worth it." in english
    for kind, said in chinese:
        assert kind in ("comment", "reopened") or CHINESE.search(said), (kind, said)
    assert {row.kind for row in rows} >= set(EVENTS) - {"ticket"}


SOURCES = [
    ("rows in exchange/a.csv", "exchange/a.csv 的行数"),
    (
        "sum of amount in a.csv where kind is data, lost at most 15",
        "a.csv 中 amount 的合计，条件：kind 为 data, lost 至多 15",
    ),
    ("breaks of the run of pay for 2026-11-01", "pay 的 2026-11-01 批次的 breaks"),
    ("is opening - closing", "等于 opening - closing"),
    ("a constant of the control", "控制文件中的常数"),
    ("env:BSS_URL: select count(*) from t where x is null", "env:BSS_URL: select count(*) from t where x is null"),
]


@pytest.mark.parametrize(("source", "chinese"), SOURCES)
def test_where_a_number_is_from_is_said_in_chinese_but_for_a_query(source: str, chinese: str) -> None:
    assert source_said(source, EN) == source
    assert source_said(source, ZH) == chinese


def test_a_detail_that_was_written_otherwise_stays_as_it_is() -> None:
    assert event_detail("proposed", "back_fill at billing, many CNY in minor units: why", ZH).startswith("back_fill")
    assert event_detail("found", "found somehow", ZH) == "found somehow"
    assert event_detail("new_kind", "anything", ZH) == "anything"


def test_a_sentence_at_the_terminal_has_its_instants_by_the_operators_clocks() -> None:
    """Every one, of whatever shape the sentence is, with its zone; what is no instant and what has a zone already stays."""
    say = by_zone("Asia/Shanghai")
    assert say("silenced until 2026-03-02 12:07 UTC, told at 2026-03-02T20:00:01Z") == (
        "silenced until 2026-03-02 20:07:00 UTC+08:00, told at 2026-03-03 04:00:01 UTC+08:00"
    )
    for stays in ("at 2026-99-02 12:07 UTC", "at 2026-03-02 12:07:00 UTC+08:00", "at 12:07 UTC", ""):
        assert say(stays) == stays
