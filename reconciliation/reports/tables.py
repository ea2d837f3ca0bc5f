"""Tables of the document: cells are text, escaped here and nowhere else; how a cell is set is told by its type."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


class Figure(str):
    """A number, set to the right."""


class Hash(str):
    """A checksum, in a type of even width."""


class Key(str):
    """A key of a record; it may break anywhere."""


_SET = {Figure: "figure", Hash: "hash", Key: "key"}


def table(head: Iterable[str], rows: Iterable[Iterable[str]], kind: str = "") -> str:
    """A table whose head is repeated on each page."""
    top = "".join(_cell("th", text, "col") for text in head)
    body = "".join(f"<tr>{''.join(_cell('td', text) for text in row)}</tr>" for row in rows)
    return f'<table class="{kind}"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'


def named(rows: Iterable[tuple[str, str]]) -> str:
    """Names and values, two columns without a head."""
    body = "".join(f'<tr><td class="name">{escape(name)}</td>{_cell("td", value)}</tr>' for name, value in rows)
    return f"<table><tbody>{body}</tbody></table>"


def _cell(tag: str, text: str, scope: str = "") -> str:
    kind = _SET.get(type(text), "")
    return (
        f"<{tag}{f' class={kind}' if kind else ''}{f' scope={scope}' if scope else ''}>{escape(visible(text))}</{tag}>"
    )


def visible(text: str) -> str:
    """Control characters made visible, since they cannot be set: each is a question mark."""
    return "".join(character if character.isprintable() else "?" for character in text)
