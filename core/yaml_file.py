"""YAML files read safely, and every fault in them named with file, line and a sentence.

Only plain values are read: a tag is refused, and so are anchors and aliases (a few lines of which can stand for
gigabytes), a name given twice and a number that YAML would read as something its writer did not mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

Place = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)
LARGEST_FILE_BYTES = 16 * 1024 * 1024
DEEPEST = 50
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml reads a large estate five times as fast
OPENING = (
    yaml.BlockMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.FlowSequenceStartToken,
)
CLOSING = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)
MISREAD = re.compile(r"[-+]?(\d[\d_]*(:[0-5]?\d)+(\.\d*)?|0[0-7_]+)")
"""Numbers of YAML 1.1 that hardly anybody means: 12:30 is 750 (base 60), 010 is 8 (base 8)."""
TEXT = "tag:yaml.org,2002:str"
_CONSTRUCTOR = yaml.constructor.SafeConstructor()


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
    unreadable: set[Place] = field(default_factory=set)  # parts already faulted while reading; None stands for them

    @property
    def readable(self) -> bool:
        """Whether there is something to validate, even if parts of it are faulty."""
        return self.value is not None or not self.faults

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
                found = (*place, *_known(self.lines, place, item["loc"]))
                if found not in self.unreadable:
                    self.fault(found, _sentence(item, place))
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
        _scan(text, document)
        if document.faults:
            return document
        node = yaml.compose(text, Loader=LOADER)
        document.value = _build(node, (), document) if node is not None else {}
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        document.faults.append(Fault(file, line, f"this is not YAML: {error.problem or error.context}"))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        shown = f"U+{error.character:04X}" if isinstance(error.character, int) else repr(error.character)
        document.faults.append(
            Fault(file, line, f"this is not YAML: the character {shown} cannot stand in a text file")
        )
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        document.faults.append(Fault(file, 1, f"this is not YAML: {' '.join(str(error).split())}"))
    return document


def _scan(text: str, document: Document) -> None:
    """Note what is refused before anything is built of it: what a few lines of could fill the memory or the stack."""
    depth = 0
    for token in yaml.scan(text, Loader=LOADER):
        depth += isinstance(token, OPENING) - isinstance(token, CLOSING)
        sentence = ""
        if isinstance(token, yaml.AliasToken | yaml.AnchorToken | yaml.TagToken):
            sentence = "anchors, aliases and tags are not read here; write it out"
        elif depth > DEEPEST:
            sentence = f"this is nested deeper than {DEEPEST} levels"
        if sentence:
            document.faults.append(Fault(document.file, token.start_mark.line + 1, sentence))
        if depth > DEEPEST:
            return


def _build(node: yaml.Node, place: Place, document: Document) -> Any:
    document.lines[place] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return _build_mapping(node, place, document)
    if isinstance(node, yaml.SequenceNode):
        return [_build(child, (*place, number), document) for number, child in enumerate(node.value)]
    try:
        value = _CONSTRUCTOR.construct_object(node)
        if isinstance(value, int | float) and MISREAD.fullmatch(node.value):
            raise ValueError(f"YAML reads it as {value:g}")
        return value
    except (ValueError, OverflowError, yaml.constructor.ConstructorError) as error:
        why = str(getattr(error, "problem", None) or error).partition(";")[0]
        document.unreadable.add(place)
        document.fault(place, f"{_short(node.value)} cannot be read: {why}; put it in quotes if it is a text")
        return None
    finally:
        _CONSTRUCTOR.constructed_objects.clear()


def _build_mapping(node: yaml.MappingNode, place: Place, document: Document) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        key = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else f"(line {line})"
        if key_node.tag != TEXT:
            document.faults.append(
                Fault(document.file, line, f"the name {_short(key)} is not a text; put it in quotes")
            )
        if key in mapping:
            document.faults.append(Fault(document.file, line, f"{_short(key)} is given twice; keep one"))
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
    where = ".".join(str(part) for part in (*place, *item["loc"])) or "the whole file"
    kind, message = item["type"], item["msg"].removeprefix("Value error, ")
    if kind == "extra_forbidden":
        return f"{where} is not known here; check the spelling or take it out"
    if kind == "missing":
        return f"{where} is missing"
    if "(env|file)" in str(item.get("ctx", {}).get("pattern", "")):  # what stands there may be the secret itself
        return f"{where}: a secret must be given as env:NAME or file:PATH, not as itself"
    if kind == "too_short":
        limit, given = item["ctx"]["min_length"], item["ctx"]["actual_length"]
        return f"{where}: it needs at least {limit} {'entry' if limit == 1 else 'entries'}, and has {given}"
    shown = _short(item["input"])
    whole = isinstance(item["input"], dict | list)
    return f"{where}: {message[:1].lower() + message[1:]}" + ("" if whole or shown in message else f" (found {shown})")


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def sorted_faults(documents: Iterable[Document]) -> list[Fault]:
    """Every fault of every document, by file and line, each once."""
    return sorted({fault for document in documents for fault in document.faults})
