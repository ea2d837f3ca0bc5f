"""Which series a check judges: indicator, prefix, and every property that can be chosen by."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

import checks
from checks.check import matches
from checks.registry import PARAMS
from tests.checks.series import check, series

SELECTED: list[tuple[dict[str, tuple[str, ...]], bool]] = [
    ({}, True),
    ({"target": ("host-1",)}, True),
    ({"target": ("host-*",)}, True),
    ({"target": ("host",)}, False),
    ({"target": ("other", "host-1")}, True),
    ({"kind": ("host",), "site": ("north",), "system": ("billing",)}, True),
    ({"kind": ("host",), "site": ("south",)}, False),
    ({"team": ("storage",)}, True),
    ({"mount": ("/data",)}, True),
    ({"mount": ("/",)}, False),
    ({"nosuch": ("x",)}, False),
    ({"nosuch": ("",)}, True),  # a missing label equals ""
    ({"nosuch": ("*",)}, True),
    ({"probe": ("host-1/disk",)}, True),
]


@pytest.mark.parametrize(("select", "expected"), SELECTED)
def test_which_series_are_selected(select: dict[str, tuple[str, ...]], expected: bool) -> None:
    """All of `select` must agree, any of the values of each."""
    given = check("limit", {"above": {"warning": 1}}, select=select)
    assert matches(given, series(labels=(("mount", "/data"),))) is expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [("disk.used_ratio", True), ("disk.*", True), ("*", True), ("disk", False), ("disk.used_ratio.more", False)],
)
def test_the_indicator_is_a_name_or_a_prefix(pattern: str, expected: bool) -> None:
    """Only a trailing star makes a prefix."""
    assert matches(check("limit", {"above": {"warning": 1}}, indicator=pattern), series()) is expected


def test_every_kind_of_judgement_is_a_file_with_its_params() -> None:
    """The registry equals the modules that have Params."""
    folder = pathlib.Path(checks.__file__).parent
    having = {path.stem for path in folder.glob("*.py") if "Params" in _names(path)}
    assert set(PARAMS) == having


def _names(path: pathlib.Path) -> set[str]:
    import ast

    tree: Any = ast.parse(path.read_text(encoding="utf-8"))
    classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    assigned = {t.id for n in tree.body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)}
    return classes | assigned
