"""Brings the catalogues level with the source: `python -m dashboards.locale.update` adds new ids and drops unused ones."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from dashboards.locale import FOLDER, LANGUAGES

SOURCE = Path(__file__).parents[1]
KEYWORDS = {"_": None, "mark": None, "many": (1, 2)}


def messages() -> Iterator[str | tuple[str, ...]]:
    """Every message id that the source of the console says, once for each place."""
    found = extract_from_dir(SOURCE, method_map=[("**.py", "python")], keywords=KEYWORDS)
    for _file, _line, message, _comments, _context in found:
        yield message


def update(language: str) -> Catalog:
    """The language's catalogue with exactly the source's ids; English speaks for itself."""
    path = FOLDER / f"{language}.po"
    known = Catalog(locale=language)
    if path.exists():
        with path.open("rb") as stream:
            known = read_po(stream, locale=language)
    level = Catalog(locale=language, project="bomc", charset="utf-8", fuzzy=False)
    for message in sorted(set(messages()), key=str):
        old = known.get(message if isinstance(message, str) else message[0])
        string = old.string if old is not None else None
        if language == "en":
            string = message
        level.add(message, string or "")
    return level


def text(catalogue: Catalog, language: str) -> bytes:
    """The catalogue as the bytes of its file, with a header of only what readers of .po files need."""
    stream = BytesIO()
    header = (
        f'msgid ""\nmsgstr ""\n"Language: {language}\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n'
        f'"Plural-Forms: {catalogue.plural_forms}\\n"\n\n'
    )
    stream.write(header.encode())
    write_po(stream, catalogue, width=120, omit_header=True, sort_output=True)
    return stream.getvalue()


def main() -> None:
    """Write every catalogue anew."""
    for language in LANGUAGES:
        (FOLDER / f"{language}.po").write_bytes(text(update(language), language))


if __name__ == "__main__":
    main()
