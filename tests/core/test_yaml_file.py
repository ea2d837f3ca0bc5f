"""Files read safely: every fault has its line and a sentence, and nothing that a file holds can hurt the reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, model_validator

from core.secrets import SecretRef
from core.yaml_file import LARGEST_FILE_BYTES, Fault, parse_yaml, read_yaml, sorted_faults

FAULTY: list[tuple[str, str, list[tuple[int, str]]]] = [
    ("a name given twice", "a: 1\nb: 2\na: 3\n", [(3, "'a' is given twice")]),
    ("twice within a list's part", "l:\n  - x: 1\n    x: 2\n", [(3, "'x' is given twice")]),
    ("an anchor and its alias", "a: &x [1]\nb: *x\n", [(1, "anchors, aliases and tags"), (2, "anchors, aliases")]),
    ("a tag", "a: !!python/object/apply:os.system [ls]\n", [(1, "anchors, aliases and tags are not read here")]),
    ("a harmless tag too", "a: !!str 1\n", [(1, "tags are not read")]),
    ("a number as a name", "a: 1\n7: x\n", [(2, "the name '7' is not a text")]),
    ("a truth as a name", "on: x\n", [(1, "the name 'on' is not a text")]),
    ("nothing as a name", "~: x\n", [(1, "the name '~' is not a text")]),
    ("a day that is none as a name", "2020-13-45: x\n", [(1, "is not a text")]),
    ("a list as a name", "b: 1\n? [a, b]\n: c\n", [(2, "is not a text")]),
    ("a merge", "<<: {a: 1}\n", [(1, "the name '<<' is not a text")]),
    (
        "a time without quotes",
        "a: 1\nat: 12:30\n",
        [(2, "'12:30' cannot be read: YAML reads it as 750; put it in quotes")],
    ),
    ("minutes and seconds without quotes", "at: 1:30.5\n", [(1, "put it in quotes")]),
    ("an octal number", "mode: 0644\n", [(1, "YAML reads it as 420")]),
    ("a day that is none", "day: 2026-13-45\n", [(1, "month must be in 1..12")]),
    ("a number of 5,000 digits", f"n: {'1' * 5000}\n", [(1, "cannot be read")]),
    ("a bare equals sign", "a: =\n", [(1, "'=' cannot be read")]),
    ("a tab as indentation", "a:\n\tb: 1\n", [(2, "this is not YAML")]),
    ("an open quote", 'a: 1\nb: "x\n', [(3, "this is not YAML")]),
    ("an open bracket", "a: [1\nb: 2\n", [(2, "this is not YAML")]),
    ("two documents", "a: 1\n---\nb: 2\n", [(2, "this is not YAML")]),
    ("a control character", "a: 1\nb: \x07\n", [(2, "U+0007 cannot stand in a text file")]),
    ("half of a surrogate pair", "a: \ud800\n", [(1, "this is not YAML")]),
    ("100,000 brackets", "[" * 100_000, [(1, "nested deeper than 50 levels")]),
    ("5,000 dashes", "a:\n" + "- " * 5_000 + "x", [(2, "nested deeper than 50 levels")]),
    ("deep by indentation", "".join(f"{' ' * n}a:\n" for n in range(60)), [(51, "nested deeper than 50 levels")]),
    ("several at once", "a: 010\na: 2\n5: x\n", [(1, "'010'"), (2, "twice"), (3, "the name '5'")]),
]


@pytest.mark.parametrize(("text", "expected"), [c[1:] for c in FAULTY], ids=[c[0] for c in FAULTY])
def test_every_fault_has_its_line_and_a_sentence(text: str, expected: list[tuple[int, str]]) -> None:
    """The table: what is wrong, on which line, in which words; and nothing else."""
    found = sorted(parse_yaml(text, "f.yaml").faults)
    assert [fault.line for fault in found] == [line for line, _ in expected], found
    for fault, (_, words) in zip(found, expected, strict=True):
        assert words in fault.sentence
        assert len(fault.sentence) < 200
        assert "\n" not in str(fault)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", {}),
        ("# nothing but words\n", {}),
        ("\ufeffa: 1\n", {"a": 1}),
        ('at: "12:30"\n', {"at": "12:30"}),
        ("at: 00:40\n", {"at": "00:40"}),
        ("n: 0\nm: -7\nf: 0.5\nh: 0x1F\nb: true\n", {"n": 0, "m": -7, "f": 0.5, "h": 31, "b": True}),
        ("a:\n- b\n- c:\n  - d\n", {"a": ["b", {"c": ["d"]}]}),
        ("名字: 值\r\nb: 2\r\n", {"名字": "值", "b": 2}),
        ("- 1\n", [1]),
    ],
)
def test_what_is_plain_is_read_as_it_stands(text: str, value: Any) -> None:
    """Plain values, in any of the ways that people save them."""
    document = parse_yaml(text, "f.yaml")
    assert (document.value, document.faults) == (value, [])


def test_a_bomb_of_aliases_is_refused_before_it_is_built() -> None:
    """Nine lines that stand for a billion items cost nothing but nine faults."""
    lines = ['a: &a ["x","x","x","x","x","x","x","x","x"]']
    lines += [f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    document = parse_yaml("\n".join(lines), "bomb.yaml")
    assert document.value is None
    assert {fault.line for fault in document.faults} == set(range(1, 10))


def test_files_that_cannot_be_read_say_why(tmp_path: Path) -> None:
    """Not UTF-8, too large, a folder, not there: a fault each, never an exception."""
    latin = tmp_path / "latin.yaml"
    latin.write_bytes("name: Caf\u00e9".encode("latin-1"))
    large = tmp_path / "large.yaml"
    with large.open("wb") as file:
        file.truncate(LARGEST_FILE_BYTES + 1)
    sentences = [str(read_yaml(path).faults[0]) for path in (latin, large, tmp_path, tmp_path / "none.yaml")]
    assert sentences[0] == "latin.yaml:1: the file is not UTF-8 (byte 9); save it as UTF-8"
    assert sentences[1] == "large.yaml:1: the file is larger than 16 MiB; split it"
    assert "cannot be read: Is a directory" in sentences[2]
    assert "cannot be read: No such file" in sentences[3]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    count: int = Field(1, ge=1)
    password: SecretRef = "env:PASSWORD"

    @model_validator(mode="after")
    def _odd(self) -> Part:
        if self.name == "odd":
            raise ValueError("odd: this name does not go with that count")
        return self


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid")
    parts: list[Part]
    label: int | dict[str, int] = 0
    pair: tuple[int, ...] = Field(default=(1,), min_length=1)


def faults(text: str) -> list[str]:
    document = parse_yaml(text, "f.yaml")
    assert document.validate(Whole) is None
    return [str(fault) for fault in sorted_faults([document])]


def test_validation_names_every_fault_at_once_each_on_its_line() -> None:
    """Unknown, missing, out of range, and of the wrong kind, all in one go."""
    text = "parts:\n  - name: a\n    count: 0\n    extra: x\n  - count: 2\n  - name: [1]\nunknown: 1\n"
    assert faults(text) == [
        "f.yaml:3: parts.0.count: input should be greater than or equal to 1 (found 0)",
        "f.yaml:4: parts.0.extra is not known here; check the spelling or take it out",
        "f.yaml:5: parts.1.name is missing",
        "f.yaml:6: parts.2.name: input should be a valid string",
        "f.yaml:7: unknown is not known here; check the spelling or take it out",
    ]


def test_a_fault_of_a_whole_part_stands_where_the_part_begins() -> None:
    """A rule about several fields points at the part, and does not print all of it."""
    [fault] = faults("parts:\n  - name: fine\n  - name: odd\n    count: 7\n")
    assert fault == "f.yaml:3: parts.1: odd: this name does not go with that count"


def test_a_secret_written_out_is_refused_and_not_repeated() -> None:
    """The sentence goes to terminals and logs, the password must not."""
    [fault] = faults("parts:\n  - name: a\n    password: hunter2\n")
    assert "hunter2" not in fault
    assert fault == "f.yaml:3: parts.0.password: a secret must be given as env:NAME or file:PATH, not as itself"


def test_a_file_of_the_wrong_shape_is_one_fault() -> None:
    """A list where names are expected, or one part that fits neither of two kinds."""
    assert faults("- a\n")[0].startswith("f.yaml:1: the whole file: input should be a valid dictionary")
    assert {fault.partition(": ")[0] for fault in faults("parts: []\nlabel: x\n")} == {"f.yaml:2"}


def test_a_list_that_lacks_entries_says_how_many_belong_there() -> None:
    assert faults("parts: []\npair: []\n") == ["f.yaml:2: pair: it needs at least 1 entry, and has 0"]


def test_a_part_that_could_not_be_read_is_one_fault_not_two() -> None:
    """What reading has refused is not refused again for being nothing; the other parts are still looked at."""
    found = faults("parts:\n  - name: 12:30\n  - count: x\n")
    assert [fault.partition(": ")[0] for fault in found] == ["f.yaml:2", "f.yaml:3", "f.yaml:3"]
    assert "put it in quotes" in found[0]


@given(st.text(max_size=200))
def test_no_text_whatever_raises(text: str) -> None:
    """Anything is a value or faults whose lines are in the file."""
    document = parse_yaml(text, "f.yaml")
    lines = max(1, len(text.splitlines()) + 1)
    assert all(1 <= fault.line <= lines for fault in document.faults)
    if not document.faults:
        document.validate(Whole)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
                    max_leaves=12))  # fmt: skip
def test_whatever_yaml_writes_is_read_back_or_refused(value: Any) -> None:
    """What a YAML writer wrote of plain values comes back equal, and faults are only of the kinds that are documented."""
    import yaml

    document = parse_yaml(yaml.safe_dump({"v": value}), "f.yaml")
    if not document.faults:
        assert document.value == {"v": value}
    for fault in document.faults:
        assert any(
            words in fault.sentence for words in ("not read here", "cannot be read", "is not a text", "cannot stand")
        )


def test_faults_sort_by_file_and_line() -> None:
    """As a compiler shows them."""
    assert sorted([Fault("b", 1, "x"), Fault("a", 9, "x"), Fault("a", 10, "x")])[0].line == 9
