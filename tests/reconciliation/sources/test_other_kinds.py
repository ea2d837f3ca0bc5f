"""Files that are something else than their name says: each source of rows refuses them in one sentence."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import xlsxwriter
from pydantic import BaseModel

from reconciliation.sources import SourceError, alipay_bill, mt940, standard_csv, unionpay_zm, wechat_bill
from reconciliation.standard_record import COLUMNS
from tests.reconciliation.sources import samples
from tests.reconciliation.sources.samples import converted, written
from tests.reconciliation.sources.samples_bank import ACCOUNT, MT940

SOURCES: dict[str, tuple[ModuleType, BaseModel, bytes, str]] = {
    "wechat_bill": (
        wechat_bill,
        wechat_bill.Config(merchant=samples.WECHAT_MERCHANT),
        samples.WECHAT.encode(),
        "bill.csv",
    ),
    "alipay_bill": (
        alipay_bill,
        alipay_bill.Config(merchant=samples.ALIPAY_MERCHANT),
        samples.ALIPAY.encode("gbk"),
        "bill.csv",
    ),
    "unionpay_zm": (
        unionpay_zm,
        unionpay_zm.Config(merchant=samples.UNIONPAY_MERCHANT),
        samples.zm(),
        "bill.zm",
    ),
    "mt940": (mt940, mt940.Config(account=ACCOUNT), MT940.encode(), "statement.sta"),
}


def workbook(_: bytes) -> bytes:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        book.add_worksheet().write_row(0, 0, samples.WECHAT_HEADER.split(","))
    return content.getvalue()


KINDS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "a workbook": (workbook, "it is a workbook or a zip archive under another name"),
    "an old workbook": (
        lambda _: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
        "it is a workbook (.xls) under another name",
    ),
    "gzip": (gzip.compress, "it is packed with gzip, and its name does not end in .gz"),
    "a document": (lambda _: b"%PDF-1.7\n%\xe2\xe3", "it is a PDF document under another name"),
    "a page": (
        lambda _: "\ufeff\n<!DOCTYPE html>\n<html><title>登录</title></html>\n".encode(),
        "it is a web page or an answer in XML, and no rows",
    ),
    "an answer in XML": (
        lambda _: b"<xml><return_code>FAIL</return_code><return_msg>No Bill Exist</return_msg></xml>",
        "it is a web page or an answer in XML, and no rows",
    ),
    "an answer in JSON": (lambda _: b'{"code":"NO_STATEMENT_EXIST"}', "it is an answer in JSON, and no rows"),
    "UTF-16": (lambda content: content.decode("latin-1").encode("utf-16"), "it is text in UTF-16"),
    "zeros": (lambda content: bytes(len(content)), "it has zeros in place of text"),
    "lines that end with CR": (
        lambda content: content.replace(b"\r\n", b"\n").replace(b"\n", b"\r"),
        "its lines end with carriage returns alone, as on old Macs",
    ),
}
ALSO_SAID = {"a workbook": {"alipay_bill": "it is a workbook under another name; download the bill again"}}
"""What a source says otherwise: a zip is what Alipay delivers."""


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_text_of_rows_is_refused(tmp_path: Path, source: str, kind: str) -> None:
    """A download that failed, or a file that a program saved as something else."""
    module, config, content, name = SOURCES[source]
    change, says = KINDS[kind]
    with pytest.raises(SourceError) as refused:
        converted(module, config, written(tmp_path, name, change(content)))
    todo = "ask for the file again"
    if kind == "lines that end with CR":
        todo = "save it with lines that end with LF or CRLF and deliver it again"
    assert str(refused.value) == ALSO_SAID.get(kind, {}).get(source, f"{says}; {todo}")


@pytest.mark.parametrize("kind", ["a workbook", "gzip", "a page", "an answer in JSON", "UTF-16"])
def test_a_standard_record_is_told_from_them_too(tmp_path: Path, kind: str) -> None:
    change, says = KINDS[kind]
    path = written(tmp_path, "billing.csv", change(",".join(COLUMNS).encode()))
    with pytest.raises(SourceError) as refused:
        standard_csv.columns(path)
    assert str(refused.value) == f"{says}; ask for the file again"
