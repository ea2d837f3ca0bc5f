"""The files of a run that can be taken away: a fixed list of names, in the run's own folder, below the home folder."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Final

from dashboards.queries.rows import Row

FILES: Final = MappingProxyType(
    {
        "breaks.csv": "text/csv; charset=utf-8",
        "rejects.csv": "text/csv; charset=utf-8",
        "certificate.json": "application/json",
        "report.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "report.pdf": "application/pdf",
        "SHA256SUMS": "text/plain; charset=utf-8",
    }
)
"""The files of a run that can be taken away, with their media types."""


SIGNED: Final = "report-signed.pdf"
"""The report with the signatures that the run has by now; made when it is asked for, since the evidence stays as it is."""


def find(home: Path | None, run: Row, name: str) -> Path | None:
    """The file of that name of that run; None when there is none, or when it does not lie below the home folder."""
    if home is None or name not in FILES:
        return None
    top = home.resolve()
    folder = (top / run["folder"]).resolve()
    place = (folder / name).resolve()
    within = folder.is_relative_to(top) and folder != top and place.parent == folder
    return place if within and place.is_file() else None


def there(home: Path | None, run: Row) -> list[str]:
    """The names of the files of a run that are there to be taken away."""
    return [name for name in FILES if find(home, run, name) is not None]
