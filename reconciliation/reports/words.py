"""The words of the reports in English and Chinese, by the code that the certificate and the breaks use.

A code that no table knows (a party or a class of a control of one's own) is shown as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Final

LANGUAGES: Final = ("en", "zh_CN")
Say = Callable[[str], str]

_CODES: Final[dict[str, tuple[str, str]]] = {
    "billing": ("Billing", "计费账务"),
    "platform": ("Platform", "业务平台"),
    "payment": ("Payment", "支付渠道"),
    "refund": ("Refund", "退款"),
    "customer": ("Customer", "客户"),
    "operator": ("Operator", "运营商"),
    "partner": ("Partner", "合作方"),
    "none": ("Nobody", "无"),
    "matched": ("Matched", "对平"),
    "no_effect": ("No effect", "无影响"),
    "missing_in_payment": ("Missing in payment", "渠道漏单"),
    "missing_in_platform": ("Missing in platform", "平台漏单"),
    "missing_in_billing": ("Missing in billing", "已付未入账"),
    "billing_only": ("Billing only", "无源入账"),
    "platform_only": ("Platform only", "平台孤单"),
    "payment_only": ("Payment only", "渠道单边"),
    "duplicate_booking": ("Duplicate booking", "重复入账"),
    "duplicate_charge": ("Duplicate charge", "重复扣款"),
    "in_doubt": ("In doubt", "存疑"),
    "awaiting_cutoff": ("Awaiting cut-off", "待日切核对"),
    "status_book_failed": ("Paid, booking failed", "已付款，入账失败"),
    "status_payment_failed": ("Booked, payment failed", "已入账，付款失败"),
    "status_platform_failed": ("Platform failed", "平台失败"),
    "status_platform_only": ("Only the platform succeeded", "仅平台成功"),
    "currency_mismatch": ("Currency differs", "币种不一致"),
    "amount_surplus": ("Surplus", "长款"),
    "amount_shortfall": ("Shortfall", "短款"),
    "over_credited": ("Over-credited", "多入账"),
    "under_credited": ("Under-credited", "少入账"),
    "fee_mismatch": ("Fee differs", "手续费不一致"),
    "at_rest": ("at rest (no effect, or matched by a later pass), net", "无差异（无影响或后续匹配），净额"),
    "matched_by_tolerance": ("Matched by tolerance", "容差内对平"),
    "matched_by_batch": ("Matched by batch total", "批次合计对平"),
    "status_mismatch": ("Status differs", "状态不一致"),
    "time_difference": ("Time differs", "时间不一致"),
    "amount_difference": ("Amount differs", "金额不一致"),
    "success": ("Success", "成功"),
    "failed": ("Failed", "失败"),
    "pending": ("Pending", "处理中"),
    "prepared": ("Prepared", "编制"),
    "reviewed": ("Reviewed", "复核"),
    "reopened": ("Re-opened", "重新打开"),
    "timezone": ("Time zone", "时区"),
    "cutoff_window_s": ("Cut-off window (s)", "日切窗口（秒）"),
    "tolerance_minor": ("Tolerance of amounts (minor units)", "金额容差（最小货币单位）"),
    "fee_tolerance_minor": ("Tolerance of fees (minor units)", "手续费容差（最小货币单位）"),
    "control": ("Control", "稽核点"),
    "control_version": ("Version of the control", "稽核点版本"),
    "business_day": ("Business day", "业务日"),
    "engine": ("Engine", "计算引擎"),
    "rules": ("Rules", "规则"),
    "three_way": ("three-way", "三方对账"),
    "general": ("general", "通用"),
    "time_tolerance_s": ("Tolerance of times (s)", "时间容差（秒）"),
    "losers": ("Who loses", "受损方"),
    "passes": ("Later passes", "后续匹配"),
    "adjusted": ("Approved adjustments", "已批准的调账"),
}

_GENERAL: Final = (
    (re.compile("missing_in_(.+)"), "Missing in {}", "{}缺单"),
    (re.compile("(.+)_only"), "{} only", "仅{}有"),
    (re.compile("duplicate_in_(.+)"), "Duplicate in {}", "{}重复"),
)
"""The classes of the rules for any parties, which have the parties' names in their own."""

_LABELS: Final[dict[str, str]] = {
    "Reconciliation report": "对账报告",
    "Parameters": "参数",
    "Parameter": "参数",
    "Value": "值",
    "Result": "结果",
    "Summary": "汇总",
    "Breaks": "差异",
    "Rejects": "拒收行",
    "Certificate": "凭证",
    "Party": "参与方",
    "File": "文件",
    "Rows": "行数",
    "Rejected": "拒收",
    "Rejected, in this workbook": "拒收（本工作簿）",
    "Rejected, only in rejects.csv": "拒收（仅在 rejects.csv）",
    "Duplicates": "重复",
    "Standing": "有效",
    "Brought in": "前日转入",
    "Difference": "差额",
    "Amount": "金额",
    "Control totals in minor units, as the file states them over all its currencies": (
        "金额为控制总数，以最小货币单位计，含文件内全部币种，与文件自报总数一致"
    ),
    "Rows of each party": "各方行数",
    "Amounts of each party": "各方金额",
    "Tie-out": "平衡校验",
    "Class": "类别",
    "Code": "代码",
    "Kind": "方向",
    "Loser": "受损方",
    "Currency": "币种",
    "Carried": "结转",
    "Lines": "行数",
    "Keys": "键数",
    "Lines, in this workbook": "行数（本工作簿）",
    "Lines, only in breaks.parquet": "行数（仅在 breaks.parquet）",
    "Lines, certified": "行数（凭证）",
    "At risk": "风险金额",
    "At risk, in this workbook": "风险金额（本工作簿，最小单位）",
    "At risk, only in breaks.parquet": "风险金额（仅在 breaks.parquet）",
    "At risk, certified": "风险金额（凭证）",
    "At risk, in units of the currency": "风险金额（货币单位）",
    "Breaks by class": "按类别统计的差异",
    "Totals by currency": "按币种合计",
    "Keys at rest": "无差异的键",
    "Everything ties when this is 0": "此值为 0 即全部平衡",
    "Breaks, carried items apart": "差异（不含结转）",
    "Carried items": "结转项",
    "Cleared by the cut-off": "日切已消除",
    "Rows tie": "行数平衡",
    "Amounts tie": "金额平衡",
    "tied": "平衡",
    "does not tie": "不平衡",
    "yes": "是",
    "no": "否",
    "Back to the summary": "返回汇总",
    "Back to the total": "返回合计",
    "The text of {count} cells was longer than a spreadsheet holds and is cut; breaks.parquet has it whole.": (
        "{count} 个单元格的文本超过电子表格上限，已截断；完整内容见 breaks.parquet。"
    ),
    "{count} more lines are not in this workbook; breaks.parquet and breaks.csv hold all of them.": (
        "另有 {count} 行不在本工作簿内；breaks.parquet 与 breaks.csv 含全部行。"
    ),
    "{count} more lines are not in this workbook; rejects.csv holds all of them.": (
        "另有 {count} 行不在本工作簿内；rejects.csv 含全部行。"
    ),
    "A number of more than 15 digits is written as text, since a spreadsheet would round it.": (
        "超过 15 位的数字以文本写出，因为电子表格会对其取整。"
    ),
    "Causes": "成因",
    "Inputs": "输入",
    "Outputs": "输出",
    "SHA-256": "SHA-256",
    "Hash of this certificate": "本凭证哈希",
    "Hash of the certificate before": "前一凭证哈希",
    "none: the first of its chain": "无：链上第一份",
    "From file to file": "从文件到文件",
    "Rows from {first} to {last}": "从{first}到{last}的行数",
    "In {party} alone: {what}": "仅{party}有：{what}",
    "{party}: rows of the file": "{party}：文件行数",
    "{party}: rejected": "{party}：拒收",
    "{party}: duplicates": "{party}：重复",
    "{party}: brought in from the day before": "{party}：前日转入",
    "On both sides, of which {matched} matched": "双方均有，其中对平 {matched}",
    "On both sides": "双方均有",
    "Step": "步骤",
    "Change": "变动",
    "Level": "累计",
    "The axis begins at {base}.": "坐标轴起点为 {base}。",
    "The greatest breaks": "金额最大的差异",
    "The {count} greatest of {total} breaks in {currency}": "{currency} 共 {total} 笔差异，列出最大的 {count} 笔",
    "There is no break.": "没有差异。",
    "Business key": "业务键",
    "Where": "出处",
    "line {line}": "第 {line} 行",
    "Checksums": "校验和",
    "Sign-off": "签核",
    "Prepared by": "编制人",
    "Reviewed by": "复核人",
    "Name": "姓名",
    "Date": "日期",
    "Signature": "签名",
    "Comment": "意见",
    "signed electronically": "已电子签署",
    "History": "历史",
    "Who": "人员",
    "When": "时间",
    "Act": "操作",
    "of another certificate": "属于另一份凭证",
    "I have prepared this reconciliation from the files named in it.": "本人依据所列文件编制本对账报告。",
    "I have reviewed it, and its totals tie.": "本人已复核，各项总数平衡。",
    "The signatures apply to the certificate whose hash is {hash}.": "签名对应哈希为 {hash} 的凭证。",
    "Page {page} of {pages}": "第 {page} 页，共 {pages} 页",
    "Quantities": "数量",
    "Quantity": "数量",
    "Source": "来源",
    "Unit": "单位",
    "Formula": "公式",
    "Tolerance": "容差",
    "Balanced": "平衡",
    "Key figures": "关键数字",
    "Rejected rows": "拒收行",
    "Matched keys": "对平键数",
    "Money at risk": "风险金额",
    "Who loses": "受损方",
    "No currency has money at risk.": "没有风险金额。",
    "Every row and every amount of every file is accounted for.": "各文件的每一行、每一笔金额均有归属。",
    "Rows or amounts are not all accounted for; do not sign.": "行数或金额未能全部归属，请勿签署。",
    "The quantities balance.": "各数量平衡。",
    "The quantities do not balance.": "各数量不平衡。",
}


def as_text(value: object) -> str:
    """A setting as text: a number or text as it is, what has parts as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def speaker(language: str) -> Say:
    """A function that gives the word for a code or an English label. Raises ValueError for an unknown language."""
    if language not in LANGUAGES:
        raise ValueError(f"{language!r} is not a language of the reports; use one of {', '.join(LANGUAGES)}")
    chinese = language == "zh_CN"

    def say(text: str) -> str:
        if text in _CODES:
            return _CODES[text][chinese]
        if text in _LABELS:
            return _LABELS[text] if chinese else text
        return _general(text, chinese) or text

    return say


def _general(code: str, chinese: bool) -> str | None:
    """The word for a class that is named after parties; None when it is not one."""
    for pattern, english, other in _GENERAL:
        found = pattern.fullmatch(code)
        if found is not None:
            parties = [_CODES.get(party, (party, party))[chinese] for party in found[1].split("_and_")]
            return (other if chinese else english).format(("、" if chinese else ", ").join(parties))
    return None
