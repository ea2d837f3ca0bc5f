"""Files of tickets: kept in the store with their SHA-256, of a few types that are told from the content, never the name."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, func, insert, select

from alerts.occurrences import AnyRow
from alerts.tickets.history import write_down
from alerts.tickets.machine import TicketError
from core.store.tables import ticket, ticket_file

LARGEST_BYTES: Final = 5 * 1024 * 1024
MOST_FILES: Final = 20
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


def attach(connection: Connection, ticket_id: int, who: str, name: str, content: bytes, now: datetime) -> int:
    """Keep a file with the ticket and return its number.

    Raises TicketError for an empty or too large file, one of an unknown type, one too many, and an unknown ticket.
    """
    shown = clean_name(name)
    if not content:
        raise TicketError(f"The file {shown} is empty; nothing was written.")
    if len(content) > LARGEST_BYTES:
        raise TicketError(f"The file {shown} has more than {LARGEST_BYTES // 2**20} MiB; pack it or cut it.")
    media_type = type_of(content)
    if media_type is None:
        raise TicketError(f"The file {shown} is no picture, PDF, Office document, archive or UTF-8 text.")
    found = connection.scalar(select(ticket.c.id).where(ticket.c.id == ticket_id).with_for_update())
    if found is None:
        raise TicketError(f"There is no ticket {ticket_id}.")
    query = select(func.count()).select_from(ticket_file).where(ticket_file.c.ticket_id == ticket_id)
    if int(connection.scalar(query) or 0) >= MOST_FILES:
        raise TicketError(f"Ticket {ticket_id} has {MOST_FILES} files already; pack some into one.")
    digest = hashlib.sha256(content).hexdigest()
    number: int = connection.execute(
        insert(ticket_file)
        .returning(ticket_file.c.id)
        .values(
            ticket_id=ticket_id,
            name=shown,
            media_type=media_type,
            size_bytes=len(content),
            sha256=digest,
            content=content,
            added_by=who,
            added_at=now,
        )
    ).scalar_one()
    detail = {"name": shown, "sha256": digest, "size_bytes": len(content)}
    write_down(connection, ticket_id, who, "attached", shown, now, detail)
    return number


def fetch(connection: Connection, ticket_id: int, file_id: int) -> AnyRow | None:
    """A file of a ticket with its content; None when the ticket has no such file."""
    query = select(ticket_file).where(ticket_file.c.id == file_id, ticket_file.c.ticket_id == ticket_id)
    return connection.execute(query).one_or_none()


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
