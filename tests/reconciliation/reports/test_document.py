"""The document read back: its words in both languages, its figures, its page to sign, and nothing fetched."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pypdf
import pytest

from core.money import format_minor
from reconciliation import certificate as certificates
from reconciliation.outcome import Outcome
from reconciliation.reports import document, tally
from reconciliation.reports.signoff import standing_signatures
from reconciliation.reports.waterfall import Step, steps, svg
from reconciliation.reports.words import LANGUAGES, speaker
from tests.reconciliation.days import reconcile, record
from tests.reconciliation.reports.days import result


def read(
    outcome: Outcome, language: str = "en", signatures: Sequence[Mapping[str, Any]] = (), title: str = ""
) -> pypdf.PdfReader:
    """The document of an outcome, opened again."""
    folder = outcome.paths["breaks.csv"].parent
    path = folder.parent / "report.pdf"
    document.write(path, folder, outcome.certificate, speaker(language), language, tuple(signatures), title)
    return pypdf.PdfReader(path)


def text_of(reader: pypdf.PdfReader) -> str:
    """All the text, without blanks, since a line may be broken anywhere."""
    return re.sub(r"\s+", "", "".join(page.extract_text() for page in reader.pages))


def test_the_document_says_what_the_certificate_says(tmp_path: Path) -> None:
    """Parameters, the rows of each party, each class with its money, hashes and checksums."""
    outcome = result(tmp_path)
    found = text_of(read(outcome))
    certificate = outcome.certificate
    wanted = [certificate["hash"], *certificate["outputs"].values(), "none:thefirstofitschain", "Asia/Shanghai"]
    for party in certificate["parties"].values():
        wanted += [party["sha256"], party["file"], f"{party['rows']:,}", f"{party['amount_minor']:,}"]
    for line in certificate["lines"]:
        wanted.append(format_minor(line["at_risk_minor"], line["currency"]).replace(" ", ""))
    assert [text for text in wanted if text not in found] == []
    assert "Everyrowandeveryamountofeveryfileisaccountedfor." in found


def test_the_document_is_set_in_chinese(tmp_path: Path) -> None:
    """The words, the sums with their sign, a title of one's own, and a key in Chinese, as text that can be searched."""
    reader = read(result(tmp_path), "zh_CN", title="充值三方对账")
    found = text_of(reader)
    for words in (
        "充值三方对账",
        "平衡校验",
        "无源入账",
        "运营商",
        "签核",
        "编制人",
        "复核人",
        "夜间充值",
        "¥1,234.56",
        "校验和",
    ):
        assert words in found, words
    assert "第1页，共" in found
    assert reader.trailer["/Root"]["/Lang"] == "zh-Hans-CN"
    fonts = {
        str(font.get_object()["/BaseFont"]) for page in reader.pages for font in page["/Resources"]["/Font"].values()
    }
    assert any("CJK" in font for font in fonts)


def test_each_page_says_its_number_and_whose_it_is(tmp_path: Path) -> None:
    outcome = result(tmp_path)
    reader = read(outcome, title="Top-ups")
    assert len(reader.pages) >= 4
    for number, page in enumerate(reader.pages, 1):
        found = re.sub(r"\s+", "", page.extract_text())
        assert f"Page{number}of{len(reader.pages)}" in found
        assert "Top-ups·three-way·2026-11-01" in found
        assert outcome.certificate["hash"][:12] in found


def test_the_document_bears_the_business_day_and_no_clock(tmp_path: Path) -> None:
    outcome = result(tmp_path)
    reader = read(outcome, title="Top-ups")
    assert reader.metadata is not None
    assert reader.metadata.title == "Top-ups"
    assert reader.metadata.creation_date == datetime(2026, 11, 1, tzinfo=UTC)
    assert reader.metadata.modification_date == datetime(2026, 11, 1, tzinfo=UTC)
    assert reader.xmp_metadata is not None
    assert (reader.xmp_metadata.pdfaid_part, reader.xmp_metadata.pdfaid_conformance) == ("2", "U")


def test_the_page_to_sign_is_empty_or_filled(tmp_path: Path) -> None:
    outcome = result(tmp_path)
    empty = read(outcome).pages[-1].extract_text()
    assert "Prepared by" in empty
    assert "Reviewed by" in empty
    assert "signed electronically" not in empty
    at = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
    signed = {
        "act": "prepared",
        "who": "li.na",
        "at": at,
        "comment": "<b>三方</b>",
        "certificate_hash": outcome.certificate["hash"],
    }
    filled = read(outcome, signatures=[signed]).pages[-1].extract_text()
    assert "li.na" in filled
    assert "2026-11-02 09:30 UTC" in filled
    assert "<b>三方</b>" in filled
    assert filled.count("signed electronically") == 1


@pytest.mark.parametrize(
    ("acts", "standing"),
    [
        ([], {}),
        ([("prepared", "a", "h")], {"prepared": "a"}),
        ([("prepared", "a", "h"), ("reviewed", "b", "h")], {"prepared": "a", "reviewed": "b"}),
        ([("prepared", "a", "h"), ("reviewed", "b", "h"), ("reopened", "c", "h")], {}),
        ([("prepared", "a", "h"), ("reopened", "c", "h"), ("prepared", "d", "h")], {"prepared": "d"}),
        ([("prepared", "a", "older"), ("reviewed", "b", "h")], {"reviewed": "b"}),
    ],
)
def test_which_signatures_count(acts: list[tuple[str, str, str]], standing: dict[str, str]) -> None:
    """A re-opening ends those before it, and one of another certificate counts for nothing."""
    given = [{"act": act, "who": who, "certificate_hash": digest} for act, who, digest in acts]
    found = standing_signatures({"hash": "h"}, given)
    assert {act: signature["who"] for act, signature in found.items()} == standing


def test_nothing_is_fetched_whatever_a_title_or_a_key_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Markup is text, and even a sheet of one's own cannot reach a network or a file."""
    import socket

    def no_network(*_: object, **__: object) -> None:
        raise AssertionError("the network was used")

    outcome = reconcile(tmp_path, {"billing": [record('<img src="http://127.0.0.1:9/x">', '"><script>')]})
    monkeypatch.setattr(socket.socket, "connect", no_network)
    monkeypatch.setattr(
        document,
        "stylesheet",
        lambda say: "@import url(file:///etc/hostname); body {background: url(http://127.0.0.1:9/y)}",
    )
    found = text_of(read(outcome, title='<link rel="stylesheet" href="http://127.0.0.1:9/z">'))
    assert '<imgsrc="http://127.0.0.1:9/x">' in found
    assert '<linkrel="stylesheet"href="http://127.0.0.1:9/z">' in found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_the_reports_is_there_in_both_languages(language: str, tmp_path: Path) -> None:
    """No class of either set of rules is shown as a code, and no code mistaken for a word."""
    from reconciliation.rules import general, three_way

    say = speaker(language)
    for name in (*three_way.LOSERS, *general.classes(("billing", "payment", "bank"))):
        assert "_" not in say(name), name
    assert say("a_party_of_our_own") == "a_party_of_our_own"
    with pytest.raises(ValueError, match="klingon"):
        speaker("klingon")


def test_the_way_from_file_to_file_accounts_for_every_row(tmp_path: Path) -> None:
    """Each level is the one before and the change; it begins with the first file's rows and ends with the last's."""
    rows = {
        "billing": [
            record("both"),
            record("b"),
            record("twice"),
            record("twice", "t2"),
            record("bad", amount_minor="x"),
        ],
        "platform": [record("both")],
        "payment": [record("both"), record("c1"), record("c2"), record("twice"), record("nothing", status="failed")],
    }
    outcome = reconcile(tmp_path, rows)
    parties = tuple(outcome.certificate["parties"])
    found = steps(outcome.certificate, tally.of_lines(outcome.paths["breaks.csv"].parent, parties), speaker("en"))
    assert (found[0].level, found[-1].level) == (5, 5)
    for before, step in itertools.pairwise(found):
        assert step.level == before.level + (step.change or 0)
    changes = {step.label: step.change for step in found if step.change is not None}
    assert changes == {
        "Billing: rejected": -1,
        "Billing: duplicates": -1,
        "In Billing alone: Billing only": -1,
        "In Payment alone: at rest (no effect, or matched by a later pass), net": 1,
        "In Payment alone: Payment only": 2,
    }
    [both] = [step for step in found[1:-1] if step.change is None]
    assert both == Step("On both sides, of which 1 matched", None, 2)


def test_a_picture_that_does_not_begin_at_nothing_says_so() -> None:
    """Small steps between large levels are made visible, and the reader is told."""
    say = speaker("en")
    large = [Step("a", None, 1_000_000), Step("b", -500, 999_500), Step("c", None, 999_500)]
    assert "The axis begins at 999,375." in svg(large, say)
    assert "axis" not in svg([Step("a", None, 10), Step("b", -8, 2), Step("c", None, 2)], say)
    assert "width" in svg([Step("a", None, 0), Step("c", None, 0)], say)
    assert svg([], say) == ""


def test_the_greatest_breaks_are_by_currency_and_the_greatest_first(tmp_path: Path) -> None:
    """At most fifty of each currency, equal ones in the order of the lines; carried items are none."""
    rows = {
        "billing": [
            *(record(f"k{number:03}", amount_minor=number // 2) for number in range(130)),
            record("usd", amount_minor=1, currency="USD"),
            record("doubt", amount_minor=10**6, status="pending"),
        ]
    }
    outcome = reconcile(tmp_path, rows)
    found = tally.of_lines(outcome.paths["breaks.csv"].parent, ("billing", "platform", "payment"))
    assert list(found.greatest) == ["CNY", "USD"]
    assert [line["business_key"] for line in found.greatest["CNY"][:4]] == ["k128", "k129", "k126", "k127"]
    assert [line["at_risk_minor"] for line in found.greatest["CNY"]] == [number // 2 for number in range(129, 79, -1)]
    assert (found.breaks["CNY"], found.breaks["USD"]) == (130, 1)


def equation() -> dict[str, Any]:
    """The certificate of a control of quantities."""
    content = {
        "kind": "equation",
        "control": "mediation",
        "control_version": "1",
        "business_day": "2026-11-01",
        "quantities": {
            "in": {"value": 1_000_000, "unit": "1", "source": "in.csv", "sha256": "a" * 64},
            "out": {"value": "999990.5", "unit": "1", "source": "out.csv", "sha256": "b" * 64},
        },
        "formula": "in - out",
        "result": "9.5",
        "unit": "1",
        "tolerance": 0,
        "balanced": False,
        "outputs": {},
    }
    return certificates.seal(content, None)


def test_a_control_of_quantities_has_a_document_too(tmp_path: Path) -> None:
    path = tmp_path / "report.pdf"
    document.write(path, tmp_path, equation(), speaker("en"), "en", (), "")
    found = text_of(pypdf.PdfReader(path))
    for words in ("1,000,000", "999990.5", "in-out", "Thequantitiesdonotbalance.", "a" * 64):
        assert words in found, words
