"""Files that people add: which are taken, what is kept beside their content, and how a name and a type are made safe.

Tickets keep them as attachments, jobs of the duty desk as evidence; how large and how many is the affair of each.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

from core.refused import RefusedError

_LONGEST_NAME: Final = 120
_BEGINNINGS: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),  # Office documents are zip files, too
    (b"\x1f\x8b", "application/gzip"),
)
_UNPRINTED: Final = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def facts_of(name: str, content: bytes) -> dict[str, Any]:
    """What the store and the trail say of a file: its `name`, cleaned, its `sha256` and its `size_bytes`."""
    return {"name": clean_name(name), "sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}


def taken(name: str, content: bytes, largest_bytes: int, refused: type[RefusedError]) -> tuple[dict[str, Any], str]:
    """The facts and the media type of a file that is to be kept; `largest_bytes` is a whole number of MiB.

    Raises `refused` for one that is empty or too large, and for one whose content is of no type that is kept.
    """
    facts, media_type = facts_of(name, content), type_of(content)
    shown = facts["name"]
    if not content:
        raise refused(f"The file {shown} is empty; nothing was written.")
    if len(content) > largest_bytes:
        raise refused(f"The file {shown} has more than {largest_bytes // 2**20} MiB; pack it or cut it.")
    if media_type is None:
        raise refused(f"The file {shown} is no picture, PDF, Office document, archive or UTF-8 text.")
    return facts, media_type


def type_of(content: bytes) -> str | None:
    """The media type that the content is of; None when it is none that is kept. Markup is text and nothing else."""
    for beginning, media_type in _BEGINNINGS:
        if content.startswith(beginning):
            return media_type
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return None if _UNPRINTED.search(text) else "text/plain; charset=utf-8"


def clean_name(name: str) -> str:
    """The last part of a name without what a path, a header or a terminal would take for its own."""
    last = re.split(r"[/\\]", name)[-1]
    kept = re.sub(r"[^\w .()+@-]", "_", last).strip(" .")
    return kept[-_LONGEST_NAME:] or "file"
