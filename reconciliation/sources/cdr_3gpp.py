"""Charging files of the network: what their headers say (CDRs, sequence number, why closed, CDRs lost), proven true.

This is no source of records: `read_header` reads one file and proves its length and count against its body, `totals` adds
up many for an equation (mediation in / switch header count + lost) and finds the sequence numbers that are missing.
The unit is CDRs and files. A file that cannot be proven is a fault, and nothing of it is counted; no file is no total.

Source: 3GPP TS 32.297, clause 6.1.1 (file header) and 6.1.2 (CDR header); all integers are big-endian. Octets from 1:
1-4 file length, 5-8 header length, 9 and 10 high and low release and version, 11-14 opening and 15-18 last append
timestamp, 19-22 number of CDRs, 23-26 file sequence number, 27 closure reason, 28-47 node address, 48 lost CDRs, then
routeing filter and private extension, each after its length in two octets, and release extensions. All ones in length
or count mean that the file was never closed.
"""

from __future__ import annotations

import ipaddress
import itertools
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from reconciliation.sources import SourceError

CLOSURE_REASONS: Final = {
    0: "normal closure",
    1: "file size limit",
    2: "file open time limit",
    3: "number of CDRs limit",
    4: "manual intervention",
    5: "change of CDR release, version or encoding",
    128: "abnormal closure",
    129: "file system error",
    130: "file system storage exhausted",
    131: "file integrity error",
}
"""Clause 6.1.1.9; 6 to 127 are reserved for normal and 132 to 255 for abnormal reasons."""
FORMATS: Final = {1: "BER", 2: "unaligned PER", 3: "aligned PER", 4: "XER"}
"""Clause 6.1.2.4: the data record format."""

_FIXED = struct.Struct(">IIBBIIIIB20sB")
_UNSET = 0xFFFFFFFF
_MARKED = 0x80
_MOST = 0x7F
_EXTENDED = 7
_LONGEST_HEADER = 1 << 18


@dataclass(frozen=True, slots=True)
class Lost:
    """CDRs that the node knows to be lost (clause 6.1.1.11): `least` of them, and exactly so many where `exact`."""

    least: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Header:
    """One file's header, found to agree with its body. Timestamps have no year: `11-01T23:59+08:00`, or empty."""

    file_bytes: int
    header_bytes: int
    high_release: str
    low_release: str
    opened: str
    last_appended: str
    cdrs: int
    sequence: int
    closure_reason: int
    node: str
    lost: Lost
    routeing_filter: bytes
    private_extension: bytes
    formats: tuple[str, ...]

    @property
    def closed_normally(self) -> bool:
        """Whether the reason for closing is one of the normal ones, 0 to 127."""
        return self.closure_reason < _MARKED

    @property
    def closure(self) -> str:
        """The reason for closing in words."""
        kind = "normal" if self.closed_normally else "abnormal"
        return CLOSURE_REASONS.get(self.closure_reason, f"{kind} closure, reason {self.closure_reason}")


@dataclass(frozen=True, slots=True)
class Totals:
    """The sum of the files that were proven; `lost` is a lower bound unless `lost_exact`.

    `missing` counts the sequence numbers that lie between those found, by node; `gaps` names them: node, first, last.
    """

    files: int = 0
    cdrs: int = 0
    lost: int = 0
    lost_exact: bool = True
    missing: int = 0
    gaps: tuple[tuple[str, int, int], ...] = field(default=())
    faults: tuple[str, ...] = field(default=())


def read_header(path: Path) -> Header:
    """The header of one charging file. Raises SourceError when its length, count or structure is not true."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            return _header(file, size)
    except OSError as error:
        raise SourceError(f"it cannot be read ({error.strerror}); deliver it again") from error


def totals(paths: Iterable[Path]) -> Totals:
    """Add up the files; each that is refused, stands twice or was closed abnormally is a fault in a sentence."""
    files = cdrs = lost = 0
    exact = True
    faults: list[str] = []
    found: dict[str, dict[int, Path]] = {}
    for path in sorted(paths):
        try:
            header = read_header(path)
        except SourceError as error:
            faults.append(f"{path.name}: {error}")
            continue
        other = found.setdefault(header.node, {}).setdefault(header.sequence, path)
        if other is not path:
            faults.append(
                f"{path.name}: number {header.sequence} of {header.node} was taken from {other.name} already; "
                "it is not counted again"
            )
            continue
        if not header.closed_normally:
            faults.append(f"{path.name}: it was closed for {header.closure}; it is counted as it stands")
        files, cdrs, lost = files + 1, cdrs + header.cdrs, lost + header.lost.least
        exact = exact and header.lost.exact
    gaps = tuple((node, first, last) for node, used in sorted(found.items()) for first, last in _gaps(sorted(used)))
    missing = sum(last - first + 1 for _, first, last in gaps)
    return Totals(files, cdrs, lost, exact, missing, gaps, tuple(faults))


def _header(file: BinaryIO, size: int) -> Header:
    start = file.read(_FIXED.size)
    if len(start) < _FIXED.size:
        raise SourceError(f"it has {size} bytes, which is less than a header; ask for it again")
    length, header_bytes, high, low, opened, appended, count, sequence, reason, node, lost = _FIXED.unpack(start)
    if _UNSET in (length, count):
        raise SourceError("its header states no length or no count: it was never closed; fetch it when it is complete")
    if length != size:
        raise SourceError(f"its header states {length} bytes and it has {size}; it is cut short or doubled")
    if not _FIXED.size + 2 <= header_bytes <= min(size, _LONGEST_HEADER):
        raise SourceError(f"its header states a length of {header_bytes} bytes for itself, which cannot be")
    routeing, private, extensions = _tail(file.read(header_bytes - _FIXED.size), high, low)
    formats, counted = _body(file, header_bytes, size)
    if counted != count:
        raise SourceError(f"its header states {count} CDRs and it has {counted}; it is cut short, doubled or damaged")
    return Header(
        file_bytes=length,
        header_bytes=header_bytes,
        high_release=_release(high, extensions[0]),
        low_release=_release(low, extensions[1]),
        opened=_timestamp(opened),
        last_appended=_timestamp(appended),
        cdrs=count,
        sequence=sequence,
        closure_reason=reason,
        node=_node(node),
        lost=_lost(lost),
        routeing_filter=routeing,
        private_extension=private,
        formats=formats,
    )


def _tail(rest: bytes, high: int, low: int) -> tuple[bytes, bytes, tuple[int | None, int | None]]:
    """Routeing filter, private extension and the releases' extensions; writers differ in which of the last they put.

    A release from 10 on has identifier 7 and an extension (clauses 6.1.1.16, 6.1.1.17); the length of a private
    extension is left out by some where there is none.
    """
    filter_bytes = int.from_bytes(rest[:2], "big")
    routeing, rest = rest[2 : 2 + filter_bytes], rest[2 + filter_bytes :]
    extended = (high >> 5 == _EXTENDED, low >> 5 == _EXTENDED)
    private = b""
    if len(routeing) < filter_bytes:
        raise SourceError("the CDR routeing filter runs over the end of its header; ask for it again")
    if len(rest) > sum(extended):
        private_bytes = int.from_bytes(rest[:2], "big")
        if len(rest) < 2 + private_bytes:
            raise SourceError("the private extension runs over the end of its header; ask for it again")
        private, rest = rest[2 : 2 + private_bytes], rest[2 + private_bytes :]
    if len(rest) > 2:
        raise SourceError(f"its header has {len(rest)} bytes more than its fields take; ask for it again")
    if len(rest) == 2:
        return routeing, private, (rest[0], rest[1])
    only = rest[0] if rest else None
    return routeing, private, ((only, None) if extended[0] else (None, only))


def _body(file: BinaryIO, position: int, size: int) -> tuple[tuple[str, ...], int]:
    """The formats met and the number of CDRs, each found by the length in the header of the one before (6.1.2).

    The length counts the CDR without its header of four octets, or five where a release from 10 on adds one.
    """
    formats: set[str] = set()
    count = 0
    while position < size:
        head = file.read(4)
        count += 1
        if len(head) < 4:
            raise SourceError(f"CDR {count} at byte {position} has no whole header; the file is cut short")
        length = int.from_bytes(head[:2], "big")
        own = 5 if head[2] >> 5 == _EXTENDED else 4
        form = FORMATS.get(head[3] >> 5)
        if length in (0, 0xFFFF) or form is None:
            raise SourceError(f"what stands at byte {position} is not the header of CDR {count}; the file is damaged")
        formats.add(form)
        position += own + length
        file.seek(position)
    if position != size:
        raise SourceError(f"CDR {count} runs {position - size} bytes over the end; the file is cut short")
    return tuple(sorted(formats)), count


def _lost(octet: int) -> Lost:
    """Clause 6.1.1.11: bit 8 set says that the number in bits 1-7 is final, else that more may be lost.

    0: none. 1-127: at least so many. 128: some, not known how many. 129-254: exactly 1-126. 255: 127 or more.
    """
    number = octet & _MOST
    if octet == 0:
        return Lost(0, exact=True)
    if octet == _MARKED:
        return Lost(1, exact=False)
    return Lost(number, exact=bool(octet & _MARKED) and number < _MOST)


def _gaps(numbers: list[int]) -> list[tuple[int, int]]:
    """The runs of numbers that are missing; numbers start again after 2**32 - 2, so the widest gap is the outside."""
    if len(numbers) < 2:
        return []
    around = [(last + 1, first - 1) for last, first in itertools.pairwise(numbers)]
    outside = _UNSET - numbers[-1] + numbers[0] - 1
    widest = max(around, key=lambda gap: gap[1] - gap[0])
    if widest[1] - widest[0] + 1 > max(outside, _UNSET // 2):
        around.remove(widest)
        if numbers[-1] < _UNSET - 1:
            around.append((numbers[-1] + 1, _UNSET - 1))
        if numbers[0] > 0:
            around.append((0, numbers[0] - 1))
    return [gap for gap in around if gap[0] <= gap[1]]


def _release(octet: int, extension: int | None) -> str:
    """Release and version (clauses 6.1.1.3, 6.1.1.16): 0 is release 99, 1 to 6 are 4 to 9, 7 is 10 and the extension."""
    identifier, version = octet >> 5, octet & 0x1F
    release = 99 if identifier == 0 else identifier + 3
    return f"{release + (extension or 0) if identifier == _EXTENDED else release}.{version}"


def _timestamp(bits: int) -> str:
    """Clause 6.1.1.5: month 4, day 5, hour 5, minute 6 bits, then sign 1 (set: east), hours 5 and minutes 6 off UTC."""
    if bits in (0, _UNSET):
        return ""
    month, day, hour, minute = bits >> 28, bits >> 23 & 0x1F, bits >> 18 & 0x1F, bits >> 12 & 0x3F
    sign = "+" if bits >> 11 & 1 else "-"
    return f"{month:02}-{day:02}T{hour:02}:{minute:02}{sign}{bits >> 6 & 0x1F:02}:{bits & 0x3F:02}"


def _node(octets: bytes) -> str:
    """Clause 6.1.1.10: the last 16 of the 20 octets, an IPv6 address, perhaps one that maps an IPv4 address."""
    address = ipaddress.IPv6Address(octets[4:])
    return str(address.ipv4_mapped or address)
