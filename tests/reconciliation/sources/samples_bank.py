"""Bank statements, workbooks, zipped records and charging files in their real shapes, written by hand for the tests."""

from __future__ import annotations

import csv
import io
import random
import struct
import zipfile
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from reconciliation.engines import connect
from reconciliation.loading import whole
from reconciliation.sources import Delivered
from reconciliation.sources.statement import StatementSource, StatementWriter
from reconciliation.standard_record import COLUMNS
from reconciliation.validation import PLACEHOLDER, day_of

DAY = date(2026, 11, 1)
ZONE = ZoneInfo("Asia/Shanghai")
ACCOUNT = "11001018500053006688"


@dataclass(slots=True)
class Converted:
    """What a statement source made of a file: the rows of the copy by line, the list of what was set aside, totals."""

    rows: dict[int, dict[str, str]] = field(default_factory=dict)
    rejects: list[list[str]] = field(default_factory=list)
    stated: dict[str, int] = field(default_factory=dict)
    records: int = 0
    set_aside_minor: int = 0


def convert(
    module: ModuleType, content: bytes, config: BaseModel, folder: Path, day: date = DAY, name: str = "statement"
) -> Converted:
    """Turn the content into standard records as the control does, and read both written files back."""
    path = folder / f"{name}{module.SUFFIXES[0]}"
    path.write_bytes(content)
    with StatementWriter(folder, path.name) as writer:
        stated = dict(module.convert(path, config, day, ZONE, writer))
    with writer.mended.copy.open(encoding="utf-8", newline="") as file:
        _, *cells = csv.reader(file)
    with writer.mended.set_aside.open(encoding="utf-8", newline="") as file:
        _, *rejects = csv.reader(file)
    rows = {line: dict(zip(COLUMNS, row, strict=True)) for line, row in enumerate(cells, start=1) if any(row)}
    assert len(rows) == writer.records
    assert len(rejects) == writer.mended.rows
    return Converted(rows, rejects, stated, writer.records, writer.mended.amount_minor)


def judged(module: ModuleType, content: bytes, config: BaseModel, folder: Path) -> list[tuple[int, int]]:
    """Line and fault (0: none) of every record of the content, as the engine judges them in a run."""
    path = folder / f"party{module.SUFFIXES[0]}"
    path.write_bytes(content)
    source = StatementSource(module, config, DAY, ZONE)
    delivered = Delivered("bank", path, source.columns(path), source.scan(path))
    with connect("duckdb", folder, 256 << 20) as engine:
        day = day_of(DAY, ZONE, timedelta(minutes=30))
        loaded = whole(engine, delivered.party, source.ways(engine, delivered, day, folder), day)
        rows = engine.fetch(loaded.rows.filter(loaded.rows["fault"] != PLACEHOLDER).order_by("row"))
    return [(int(row["row"]) + loaded.first_line, int(row["fault"])) for row in rows]


def mutated(content: bytes, chance: random.Random, signs: bytes = b":,0123456789CDR\n\r-/{}") -> bytes:
    """The content with one to three bytes changed, runs cut out, doubled or moved."""
    data = bytearray(content)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(data))
        end = min(len(data), at + chance.choice((1, 1, 2, 8, 60)))
        kind = chance.randrange(5)
        if kind == 0:
            data[at] = chance.randrange(256)
        elif kind == 1:
            data[at] = chance.choice(signs)
        elif kind == 2:
            del data[at:end]
        elif kind == 3:
            data[at:at] = data[at:end]
        else:
            data = data[:at] if chance.random() < 0.1 else data[at:end] + data[:at] + data[end:]
        if not data:
            return b""
    return bytes(data)


MT940 = f"""\
{{1:F01ICBKCNBJAXXX0000000000}}{{2:I940CMCCCNBJXXXXN}}{{4:
:20:STMT20261101
:25:{ACCOUNT}
:28C:00305/001
:60F:C261031CNY100000,00
:61:2611011101C250,00NTRFPAY-20261101-01//BK0001
ALIPAY COLLECTION
:86:collection ORDER:PAY-20261101-01 for account 138****0000
second line of the remark
:61:2611011101D99,50NTRFREF-20261101-02//BK0002
:86:refund ORDER:REF-20261101-02
:61:261101C0,01NMSCNONREF//BK0003
:62M:C261101CNY100150,51
-}}
{{1:F01ICBKCNBJAXXX0000000000}}{{2:I940CMCCCNBJXXXXN}}{{4:
:20:STMT20261101
:25:{ACCOUNT}
:28C:00305/002
:60M:C261101CNY100150,51
:61:2611011101RC50,00NTRFPAY-20261101-04//BK0004
:86:reversal of ORDER:PAY-20261101-04
:61:2611011101RD10,NTRFREF-20261101-05//BK0005
:62F:C261101CNY100110,51
:64:C261101CNY100110,51
:86:remarks on the whole statement ORDER:NOT-AN-ENTRY
-}}
"""

IBAN = "DE89370400440532013000"
CAMT053 = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08">
 <BkToCstmrStmt>
  <GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-11-02T01:00:00+08:00</CreDtTm></GrpHdr>
  <Stmt>
   <Id>S-305</Id><ElctrncSeqNb>305</ElctrncSeqNb>
   <Acct><Id><IBAN>{IBAN}</IBAN></Id><Ccy>CNY</Ccy></Acct>
   <Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">1000.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>
    <Dt><Dt>2026-10-31</Dt></Dt></Bal>
   <Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">1150.50</Amt><CdtDbtInd>CRDT</CdtDbtInd>
    <Dt><Dt>2026-11-01</Dt></Dt></Bal>
   <TxsSummry><TtlNtries><NbOfNtries>5</NbOfNtries></TtlNtries>
    <TtlCdtNtries><NbOfNtries>2</NbOfNtries><Sum>210.5</Sum></TtlCdtNtries></TxsSummry>
   <Ntry><NtryRef>1</NtryRef><Amt Ccy="CNY">200.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
    <BookgDt><DtTm>2026-11-01T02:30:00Z</DtTm></BookgDt><AcctSvcrRef>BK1</AcctSvcrRef>
    <NtryDtls><Btch><NbOfTxs>2</NbOfTxs></Btch>
     <TxDtls><Refs><EndToEndId>PAY-1</EndToEndId></Refs><Amt Ccy="CNY">120.00</Amt><CdtDbtInd>CRDT</CdtDbtInd></TxDtls>
     <TxDtls><Refs><EndToEndId>PAY-2</EndToEndId></Refs><Amt Ccy="CNY">80.00</Amt><CdtDbtInd>CRDT</CdtDbtInd></TxDtls>
    </NtryDtls></Ntry>
   <Ntry><NtryRef>2</NtryRef><Amt Ccy="CNY">60.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><RvslInd>true</RvslInd>
    <Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-11-01</Dt></BookgDt><AcctSvcrRef>BK2</AcctSvcrRef>
    <NtryDtls><TxDtls><Refs><EndToEndId>PAY-3</EndToEndId></Refs>
     <RmtInf><Ustrd>return of ORDER:PAY-3</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>
   <Ntry><NtryRef>3</NtryRef><Amt Ccy="CNY">50.50</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>PDNG</Cd></Sts>
    <ValDt><Dt>2026-11-01</Dt></ValDt>
    <NtryDtls><TxDtls><Refs><EndToEndId>PAY-4</EndToEndId></Refs></TxDtls></NtryDtls></Ntry>
   <Ntry><NtryRef>4</NtryRef><Amt Ccy="CNY">40.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>INFO</Cd></Sts>
    <BookgDt><Dt>2026-11-01</Dt></BookgDt></Ntry>
   <Ntry><NtryRef>5</NtryRef><Amt Ccy="CNY">10.50</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
    <BookgDt><Dt>2026-11-01</Dt></BookgDt>
    <NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs></TxDtls></NtryDtls></Ntry>
  </Stmt>
 </BkToCstmrStmt>
</Document>
"""


def charging_file(
    bodies: list[bytes],
    sequence: int = 7,
    lost: int = 0,
    reason: int = 3,
    node: bytes = bytes(10) + b"\xff\xff\x0a\x00\x00\x01",
    release: int = 0xE2,
    tail: bytes | None = None,
    count: int | None = None,
    length: int | None = None,
) -> bytes:
    """A charging file by TS 32.297, clause 6.1: release 15, BER, TS 32.251, opened on 1 November at 23:45 +08:00."""
    extension = b"\x05" if release >> 5 == 7 else b""
    ends = b"\x00\x00" + b"\x00\x00" + extension + extension if tail is None else tail
    cdrs = b"".join(struct.pack(">HBB", len(body), release, 0x27) + extension + body for body in bodies)
    opened = 11 << 28 | 1 << 23 | 23 << 18 | 45 << 12 | 1 << 11 | 8 << 6
    size = 48 + len(ends) + len(cdrs)
    head = struct.pack(
        ">IIBBIIIIB20sB",
        size if length is None else length,
        48 + len(ends),
        release,
        release,
        opened,
        opened + (5 << 12),
        len(bodies) if count is None else count,
        sequence,
        reason,
        b"\xff" * 4 + node,
        lost,
    )
    return head + ends + cdrs


def open_document(rows: str) -> bytes:
    """A workbook as LibreOffice saves it (.ods), with one sheet of the rows given in its own words."""
    content = io.BytesIO()
    names = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr(
            "content.xml",
            f'<?xml version="1.0" encoding="UTF-8"?><office:document-content{names}><office:body><office:spreadsheet>'
            f'<table:table table:name="Sheet1">{rows}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
    return content.getvalue()
