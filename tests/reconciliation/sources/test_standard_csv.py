"""The header of a CSV file of standard records: read, or refused in one plain sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciliation.sources import SourceError, standard_csv
from reconciliation.standard_record import COLUMNS

HEADER = ",".join(COLUMNS).encode()
ROW = b"1,a,payment,2026-11-01,2026-11-01T12:00:00Z,5,CNY,success,,,,,"
RETURNS = (
    "its lines end with carriage returns alone, as on old Macs; save it with lines that end with LF or CRLF and deliver "
    "it again"
)
QUOTE = (
    "its header cannot be read (a quote is not closed, or more text follows on it); the first line names the columns"
)
REFUSED = {
    "lines that end with CR": (HEADER + b"\r" + ROW + b"\r", RETURNS),
    "many of them": (HEADER + b"\r" + (ROW + b"\r") * 3000, RETURNS),
    "CR and quotes": (
        HEADER.replace(b"record_id", b'"record_id"').replace(b"region", b'"region"') + b"\r" + ROW,
        RETURNS,
    ),
    "a quote that is not closed": (b'"' + HEADER + b"\n" + ROW, QUOTE),
    "text behind a quote": (b'"x"' + HEADER + b"\n" + ROW, QUOTE),
    "another encoding": (
        "记录,".encode("gbk") + HEADER + b"\n",
        "its header cannot be read (byte 1 is not UTF-8); save it as UTF-8 and deliver it again",
    ),
    "nothing": (b"", "it has no header; the first line names the columns"),
    "an empty first line": (b"\n" + HEADER, "it has no header; the first line names the columns"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_header_that_cannot_be_read_is_refused(tmp_path: Path, case: str) -> None:
    """The sentence is our own: what is wrong, and what to do."""
    content, says = REFUSED[case]
    path = tmp_path / "billing.csv"
    path.write_bytes(content)
    with pytest.raises(SourceError) as refused:
        standard_csv.columns(path)
    assert str(refused.value) == says


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_usual_line_ends_are_read(tmp_path: Path, end: bytes) -> None:
    """LF, CRLF, and a header alone without an end."""
    path = tmp_path / "billing.csv"
    path.write_bytes(b"\xef\xbb\xbf" + HEADER + end)
    assert standard_csv.columns(path) == COLUMNS
