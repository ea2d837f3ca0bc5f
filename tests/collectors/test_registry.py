"""The table of collectors: complete, of one shape, and strict about what comes out."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

import collectors
from collectors import COLLECTORS, CollectError, Io, collect
from collectors.reading import Reading
from core.model import Sample
from tests.collectors.readings import NOW, NOW_MS

FRAMEWORK = {"__init__", "errors", "io", "reading", "registry"}


class Nothing(BaseModel):
    """Settings of a collector that needs none."""


def made_of(samples: list[Sample]) -> Any:
    """A collector that brings these samples."""
    return SimpleNamespace(
        Config=Nothing, INDICATORS=(), fetch=lambda config, io: samples, parse=lambda raw, now: Reading(raw)
    )


def test_the_table_lists_every_file_of_the_folder() -> None:
    folder = Path(collectors.__file__).parent
    assert set(COLLECTORS) == {path.stem for path in folder.glob("*.py")} - FRAMEWORK


@pytest.mark.parametrize("name", sorted(COLLECTORS))
def test_each_collector_has_the_shape_and_says_what_it_is_for(name: str) -> None:
    collector: Any = COLLECTORS[name]
    assert callable(collector.fetch)
    assert callable(collector.parse)
    assert "Silence" in collector.__doc__, "its docstring must say what silence means"
    assert collector.Config.__doc__
    names = [indicator.name for indicator in collector.INDICATORS]
    assert len(names) == len(set(names))
    assert all(i.unit and i.category and i.description for i in collector.INDICATORS)


@pytest.mark.parametrize("name", sorted(COLLECTORS))
def test_each_setting_is_described_and_an_unknown_one_is_refused(name: str) -> None:
    config: Any = COLLECTORS[name].Config
    for setting, field in config.model_fields.items():
        assert field.description, f"{name}.{setting} has no description"
    schema = config.model_json_schema()
    for model, part in {name: schema, **schema.get("$defs", {})}.items():
        for setting, says in part.get("properties", {}).items():
            assert says.get("description"), f"{model}.{setting} has no description"
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        config.model_validate({"no_such_setting": 1})


def test_values_that_are_not_finite_are_taken_out_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = [Sample("a", value, NOW_MS) for value in (1.0, math.nan, math.inf, -math.inf)]
    monkeypatch.setattr("collectors.registry.COLLECTORS", {"made": made_of(samples)})
    reading = collect("made", Nothing(), NOW, Io(1))
    assert [sample.value for sample in reading.samples] == [1.0]
    assert reading.notes == ("3 values are not a finite number and left out",)


def test_more_samples_than_a_probe_may_bring_are_refused_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.registry.MAX_SAMPLES", 3)
    monkeypatch.setattr("collectors.registry.COLLECTORS", {"made": made_of([Sample("a", 1.0, NOW_MS)] * 4)})
    with pytest.raises(CollectError, match="brought 4 samples; a probe may bring 3"):
        collect("made", Nothing(), NOW, Io(1))


def test_an_unknown_collector_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        collect("no_such", Nothing(), NOW, Io(1))
