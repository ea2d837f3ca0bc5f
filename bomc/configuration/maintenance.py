"""maintenance.yaml and the calendars that it names, read as a whole."""

from __future__ import annotations

from pathlib import Path

from alerts.muting.maintenance import LARGEST_CALENDAR_BYTES, MaintenanceFile, Window, windows_of
from alerts.muting.maintenance import faults as maintenance_faults
from bomc.configuration.models import home_path
from core.yaml_file import Document


def read(document: Document, folder: Path) -> tuple[Window, ...] | None:
    """The maintenance windows; the calendars that they name lie in the home folder, above that of the configuration."""
    file = document.validate(MaintenanceFile) if document.readable else None
    if file is None:
        return None
    calendars: dict[str, str] = {}
    for number, one in enumerate(file.windows):
        path = None if one.calendar is None else home_path(folder.parent, one.calendar)
        if path is None or one.calendar is None:
            continue
        try:
            if path.stat().st_size > LARGEST_CALENDAR_BYTES:
                raise ValueError(f"it is larger than {LARGEST_CALENDAR_BYTES // 1024} KiB")
            calendars[one.calendar] = path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            document.fault(("windows", number, "calendar"), f"the calendar {path} cannot be read: {why}")
    wrong = list(maintenance_faults(file, calendars))
    for place, sentence in wrong:
        document.fault(place, sentence)
    return None if wrong or document.faults else windows_of(file, calendars)
