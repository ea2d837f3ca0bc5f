"""YAML in which every scalar is a text: files of other programs, whose `09:00` is no number and whose `1.10` keeps its 0.

Anchors and aliases are followed, since other programs allow them, up to so many values that a few lines cannot fill the
memory.
"""

from __future__ import annotations

from typing import Any

import yaml

from core.yaml_file import Document, Place

LARGEST_NODES = 100_000
LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
NOTHING = ("", "~", "null", "Null", "NULL")


class TextsError(ValueError):
    """The file cannot be read; the sentence says where and why."""


def read_texts(text: str, file: str) -> Document:
    """The file as mappings, lists and texts (None where nothing stands), with the line of each part. Raises TextsError."""
    document = Document(file=file)
    try:
        node = yaml.compose(text, Loader=LOADER)
        document.value = None if node is None else _build(node, (), document, [0])
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}," if mark else ""
        why = getattr(error, "problem", None) or " ".join(str(error).split())
        raise TextsError(f"{file}{where} is not YAML: {why}.") from None
    return document


def _build(node: yaml.Node, place: Place, document: Document, count: list[int]) -> Any:
    count[0] += 1
    if count[0] > LARGEST_NODES:
        raise TextsError(f"{document.file} has more than {LARGEST_NODES} values.")
    document.lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        found: dict[str, Any] = {}
        for key, value in node.value:
            name = str(key.value)
            document.lines[(*place, name)] = key.start_mark.line + 1
            found[name] = _build(value, (*place, name), document, count)
        return found
    if isinstance(node, yaml.SequenceNode):
        return [_build(one, (*place, number), document, count) for number, one in enumerate(node.value)]
    plain = isinstance(node, yaml.ScalarNode) and not node.style
    return None if plain and node.value in NOTHING else node.value
