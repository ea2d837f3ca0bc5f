"""Ready controls, one YAML file each: the 27 that a mobile operator runs. Copy one to `controls/` and adapt its paths.

Their files are looked for below `exchange/DAY/`; whatever system keeps the figures can deliver them there, and any
quantity can be asked of a database instead (`sql:`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent
SUFFIX: Final = ".yaml"


def names() -> tuple[str, ...]:
    """The names of the controls, by their numbers."""
    return tuple(sorted(path.name.removesuffix(SUFFIX) for path in FOLDER.glob(f"*{SUFFIX}")))


def text(name: str) -> str:
    """The file of a control. Raises KeyError with a sentence when there is none of that name."""
    if name not in names():
        raise KeyError(f"there is no control {name!r} in the library; there are {', '.join(names())}")
    return (FOLDER / f"{name}{SUFFIX}").read_text(encoding="utf-8")
