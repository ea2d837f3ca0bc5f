"""The page of the controls says what the models and the library say."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciliation.controls import library
from reconciliation.controls.library_page import MODELS, page

ROOT = Path(__file__).parents[3]


def test_the_page_was_made_anew_after_the_last_change() -> None:
    """`python -m reconciliation.controls.library_page > docs/controls.md` was run."""
    assert (ROOT / "docs" / "controls.md").read_text(encoding="utf-8") == page()


def test_every_control_of_the_library_is_on_the_page() -> None:
    text = page()
    assert all(f"`{name}`" in text for name in library.names())


def test_every_field_of_a_control_is_described() -> None:
    bare = [
        f"{model.__name__}.{name}"
        for _, _, model in MODELS
        for name, field in model.model_fields.items()
        if not field.description
    ]
    assert bare == []


def test_an_unknown_control_of_the_library_is_a_sentence() -> None:
    with pytest.raises(KeyError, match="there is no control '99-none' in the library"):
        library.text("99-none")
