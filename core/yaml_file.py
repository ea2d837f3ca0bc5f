"""YAML files read safely, and every fault in them named with file, line and a sentence.

Only plain values are read: a tag is refused, and so are anchors and aliases (a few lines of which can stand for
gigabytes), a name given twice and a number that YAML would read as something its writer did not mean.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

Place = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)
LARGEST_FILE_BYTES = 16 * 1024 * 1024
DEEPEST = 50


@dataclass(frozen=True, order=True, slots=True)
class Fault:
    """One thing wrong in one file; `line` counts from 1."""

    file: str
    line: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.sentence}"


@dataclass(slots=True)
class Document:
    """A file's value with the line of every part of it, and what was wrong already while reading."""

    file: str
    value: Any = None
    lines: dict[Place, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def line(self, place: Place) -> int:
        """The line of `place`, or of the nearest part around it that has one."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def fault(self, place: Place, sentence: str) -> None:
        """Note that `sentence` is wrong at `place`."""
        self.faults.append(Fault(self.file, self.line(place), sentence))

    def validate(self, model: type[Model], place: Place = (), value: Any = None) -> Model | None:
        """The part at `place` (the whole if empty) as `model`; None, with every fault noted, when it is not one."""
        try:
            return model.model_validate(self.value if value is None and not place else value)
        except ValidationError as error:
            for item in error.errors():
                self.fault((*place, *_known(self.lines, place, item["loc"])), _sentence(item, place))
            return None


def read_yaml(path: Path, shown_as: str | None = None) -> Document:
    """The file's value and lines; what cannot be read is in `faults`, never raised."""
    document = Document(file=shown_as or path.name)
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            document.fault((), f"the file is larger than {LARGEST_FILE_BYTES // 2**20} MiB; split it")
            return document
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        document.fault((), f"the file is not UTF-8 (byte {error.start}); save it as UTF-8")
        return document
    except OSError as error:
        document.fault((), f"the file cannot be read: {error.strerror or error}")
        return document
    return parse_yaml(text, document.file)


def parse_yaml(text: str, file: str) -> Document:
    """Like `read_yaml`, of a text at hand."""
    document = Document(file=file)
    try:
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            if isinstance(token, yaml.AliasToken | yaml.AnchorToken | yaml.TagToken):
                line = token.start_mark.line + 1
                document.faults.append(Fault(file, line, "anchors, aliases and tags are not read here; write it out"))
        if document.faults:
            return document
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        document.value = _build(node, (), document) if node is not None else {}
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        document.faults.append(Fault(file, line, f"this is not YAML: {error.problem or error.context}"))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        document.faults.append(Fault(file, 1, f"this is not YAML: {error}"))
    return document


def _build(node: yaml.Node, place: Place, document: Document) -> Any:
    document.lines[place] = node.start_mark.line + 1
    if len(place) > DEEPEST:
        raise ValueError(f"nested deeper than {DEEPEST} levels (line {node.start_mark.line + 1})")
    if isinstance(node, yaml.MappingNode):
        return _build_mapping(node, place, document)
    if isinstance(node, yaml.SequenceNode):
        return [_build(child, (*place, number), document) for number, child in enumerate(node.value)]
    try:
        return yaml.constructor.SafeConstructor().construct_object(node)
    except ValueError as error:
        document.fault(place, f"{node.value!r} cannot be read: {error}; put it in quotes if it is a text")
        return None


def _build_mapping(node: yaml.MappingNode, place: Place, document: Document) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = yaml.constructor.SafeConstructor().construct_object(key_node)
        line = key_node.start_mark.line + 1
        if not isinstance(key, str):
            shown: Hashable = getattr(key_node, "value", key)
            document.faults.append(Fault(document.file, line, f"the name {shown!r} is not a text; put it in quotes"))
            key = str(shown)
        if key in mapping:
            document.faults.append(Fault(document.file, line, f"{key!r} is given twice; keep one"))
            continue
        mapping[key] = _build(value_node, (*place, key), document)
        document.lines[(*place, key)] = line
    return mapping


def _known(lines: Mapping[Place, int], place: Place, location: Place) -> Place:
    """The longest start of pydantic's location that the file has; the rest names parts of unions."""
    known: list[str | int] = []
    for part in location:
        if (*place, *known, part) in lines:
            known.append(part)
    return tuple(known)


def _sentence(item: Any, place: Place) -> str:
    where = ".".join(str(part) for part in (*place, *item["loc"]))
    kind, message = item["type"], item["msg"].removeprefix("Value error, ")
    if kind == "extra_forbidden":
        return f"{where} is not known here; check the spelling or take it out"
    if kind == "missing":
        return f"{where} is missing"
    shown = repr(item["input"])
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    whole = isinstance(item["input"], dict | list)
    return f"{where}: {message[:1].lower() + message[1:]}" + ("" if whole or shown in message else f" (found {shown})")


def sorted_faults(documents: Iterable[Document]) -> list[Fault]:
    """Every fault of every document, by file and line, each once."""
    return sorted({fault for document in documents for fault in document.faults})
