"""The house keeps its shape: imports point down, one room reads the clock, units are listed, files stay small and said."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parent.parent
MIDDLE = ("collectors", "checks", "alerts", "reconciliation")
ALLOWED = {
    "core": {"core"},
    **{name: {"core", name} for name in MIDDLE},
    "dashboards": {"core", *MIDDLE, "dashboards"},
    "bomc": {"core", *MIDDLE, "dashboards", "bomc"},
}
CLOCKS = {
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
    "time.time",
    "time.time_ns",
    "time.localtime",
    "time.gmtime",
}
LONGEST = 400
CLOCK_ROOM = "bomc"


def files(*packages: str) -> list[Path]:
    """Every Python file of these packages, of all when none is given."""
    return sorted(path for package in packages or tuple(ALLOWED) for path in (ROOT / package).rglob("*.py"))


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def place(path: Path, line: int = 1) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything that a file imports, wherever in the file."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(path.relative_to(ROOT).parts[: -node.level]) if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


@pytest.mark.parametrize("package", list(ALLOWED))
def test_imports_point_down(package: str) -> None:
    """core <- the four, which never import each other <- dashboards <- bomc; nobody imports tests or benchmarks."""
    ours = {*ALLOWED, "tests", "benchmarks"}
    wrong = [
        f"{place(path, line)} imports {name}"
        for path in files(package)
        for line, name in imports(path)
        if (top := name.partition(".")[0]) in ours and top not in ALLOWED[package]
    ]
    assert wrong == []


def clocks_read(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Every use of a clock, under whatever name it was imported; naming it is enough, it may be called elsewhere."""
    names: dict[str, str] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            names.update({alias.asname or alias.name: alias.name for alias in node.names})
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update({alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names})
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute | ast.Name):
            known = full_name(node, names)
            if known in CLOCKS:
                yield node.lineno, known


def full_name(node: ast.expr, names: dict[str, str]) -> str:
    """`dt.now` as `datetime.datetime.now` when dt is the class datetime; empty when it hangs on no import."""
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.Attribute):
        base = full_name(node.value, names)
        return f"{base}.{node.attr}" if base else ""
    return ""


def test_the_clock_is_read_in_one_room_only() -> None:
    """Everywhere else the time is an argument."""
    wrong = [
        f"{place(path, line)} reads {name}"
        for path in files()
        if path.relative_to(ROOT).parts[0] != CLOCK_ROOM
        for line, name in clocks_read(tree(path))
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "text",
    [
        "import time\ntime.time()",
        "from time import time as wall\nwall()",
        "import datetime as d\nd.datetime.now(d.UTC)",
        "from datetime import datetime as dt\nx = dt.utcnow",
        "from datetime import date\ndate.today()",
        "def f():\n    from time import time_ns\n    return time_ns()",
    ],
)
def test_a_clock_is_found_under_any_name(text: str) -> None:
    """The search itself is proved: each way of reading a clock is seen, and measuring a duration is none."""
    assert len(list(clocks_read(ast.parse(text)))) == 1
    assert list(clocks_read(ast.parse("import time\ntime.monotonic()\ntime.perf_counter()\ntime.sleep(1)"))) == []


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    """At 400, look for the seam."""
    sizes = {place(path): len(path.read_text(encoding="utf-8").splitlines()) for path in files()}
    assert {name: size for name, size in sizes.items() if size > LONGEST} == {}


def test_nothing_prints() -> None:
    """What is said goes through the console of the command line or the log."""
    wrong = [
        place(path, node.lineno)
        for path in files()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert wrong == []


def test_every_module_says_what_it_is_for() -> None:
    """A docstring each; an empty __init__.py of a folder without code of its own needs none."""
    silent = [
        place(path)
        for path in files()
        if ast.get_docstring(tree(path)) is None and not (path.name == "__init__.py" and not path.read_text().strip())
    ]
    assert silent == []


def test_nothing_is_left_for_later() -> None:
    """No reminders in the code: it is done, or it is an issue."""
    words = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    wrong = [
        place(path, number)
        for path in files()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if words.search(line)
    ]
    assert wrong == []


def test_nothing_is_swallowed() -> None:
    """No bare `except`, and one that only passes names what it lets go, and why, beside the `pass`."""
    wrong = []
    for path in files():
        lines = path.read_text(encoding="utf-8").splitlines()
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.ExceptHandler):
                continue
            names = {part.id for part in ast.walk(node.type) if isinstance(part, ast.Name)} if node.type else set()
            passes = len(node.body) == 1 and isinstance(node.body[0], ast.Pass)
            explained = "#" in lines[node.body[0].lineno - 1]
            if node.type is None or (passes and (not explained or names & {"Exception", "BaseException"})):
                wrong.append(place(path, node.lineno))
    assert wrong == []


UNITS = [
    ("collectors", "collectors.registry", ("COLLECTORS",), {"registry", "errors", "io", "reading"}),
    ("alerts/notify", "alerts.notify", ("CHANNELS",), set()),
    ("dashboards/pages", "dashboards.pages", ("PAGES",), set()),
    (
        "reconciliation/sources",
        "reconciliation.sources",
        ("SOURCES", "STATEMENTS"),
        {"statement", "cells", "cdr_3gpp", "mt940_pages", "iso20022", "formulas", "alipay_archive", "zips", "parted"},
    ),
    ("reconciliation/engines", "reconciliation.engines", ("ENGINES",), set()),
    ("reconciliation/fetch", "reconciliation.fetch", ("FETCHERS",), {"part"}),
]


@pytest.mark.parametrize(("folder", "module", "names", "others"), UNITS, ids=[unit[0] for unit in UNITS])
def test_every_list_of_units_equals_its_folder(
    folder: str, module: str, names: tuple[str, ...], others: set[str]
) -> None:
    """A unit is a file and a line in the list: no file is forgotten, no line leads nowhere."""
    there = {path.stem for path in (ROOT / folder).glob("*.py") if not path.stem.startswith("_")} - others
    lists = [getattr(importlib.import_module(module), name) for name in names]
    listed = [item for found in lists for item in (found.values() if hasattr(found, "values") else found)]
    assert {unit_file(item) for item in listed} == there
    assert len(listed) == len(there)


def test_what_a_control_may_name_is_what_there_is() -> None:
    """The lists of the configuration's faults are those of the formats and of the ways to bring a file."""
    from reconciliation.controls import match_faults
    from reconciliation.fetch import FETCHERS
    from reconciliation.sources import STATEMENTS

    assert {name: module for name, module in match_faults.SOURCES.items() if module} == dict(STATEMENTS)
    assert tuple(match_faults.FETCHES.values()) == FETCHERS


def unit_file(item: object) -> str:
    """The file of a unit, however its list names it: a module, the name of one, or something that a module defines."""
    name = item if isinstance(item, str) else getattr(item, "__name__", "")
    if not isinstance(item, str) and hasattr(item, "__module__") and not hasattr(item, "__file__"):
        name = item.__module__
    return str(name).rpartition(".")[2]


def test_no_property_fails_because_the_machine_is_busy() -> None:
    """What hangs is ended by the time limit of each test; a deadline of one example only measures the neighbours."""
    assert settings().deadline is None
    assert settings(max_examples=7).deadline is None
