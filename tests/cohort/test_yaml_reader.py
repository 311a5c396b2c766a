"""A YAML file is read as it is written, and refused with a line where it cannot be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cohort.errors import SpecError
from cohort.yaml_reader import dotted, read_yaml, scalar


def read(text: str | bytes) -> dict[str, object]:
    content = text if isinstance(text, bytes) else text.encode()
    return read_yaml(content, "study.yaml").data


def refused(text: str | bytes) -> str:
    content = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(SpecError) as caught:
        read_yaml(content, "study.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["no", "yes", "on", "off", "No", "y", "010", "00", "1_000", "12:30", "2009-02-03", "0x1F",
     "0o7", "0b1", ".inf", ".nan", "1e999", "1.2.3", "3+", "1+", "-", "=", "9" * 30, "010.5"],
)  # fmt: skip
def test_unquoted_text_that_yaml_would_reinterpret_stays_as_written(text: str) -> None:
    assert read(f"key: {text}" if text != "-" else "key: '-'") == {"key": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("12", 12), ("-3", -3), ("+4", 4), ("1.50", 1.5), (".5", 0.5), ("1e3", 1000.0),
     ("true", True), ("False", False), ("null", None), ("~", None), ("", None)],
)  # fmt: skip
def test_plain_numbers_truth_and_nothing_are_what_they_say(text: str, value: object) -> None:
    found = read(f"key: {text}")["key"]
    assert found == value
    assert type(found) is type(value)


def test_quotes_make_text_of_everything() -> None:
    assert read("a: '1'\nb: \"true\"\nc: 'null'\nd: |\n  12\n") == {
        "a": "1",
        "b": "true",
        "c": "null",
        "d": "12\n",
    }


def test_keys_are_text_whatever_they_look_like() -> None:
    assert read("on: 1\n2018: 2\nno: 3\ntrue: 4\n") == {"on": 1, "2018": 2, "no": 3, "true": 4}


def test_every_key_and_item_has_its_line() -> None:
    text = "a: 1\n\nb:\n  - x\n  - {c: 1,\n     d: 2}\n# end\ne: [1,\n  2]\n"
    lines = read_yaml(text.encode(), "study.yaml").lines
    assert dict(lines) == {
        ("a",): 1, ("b",): 3, ("b", 0): 4, ("b", 1): 5, ("b", 1, "c"): 5, ("b", 1, "d"): 6,
        ("e",): 8, ("e", 0): 8, ("e", 1): 9,
    }  # fmt: skip


def test_byte_order_mark_and_windows_line_ends_change_nothing() -> None:
    document = read_yaml(b"\xef\xbb\xbfa: 1\r\nb: two\r\n", "study.yaml")
    assert document.data == {"a": 1, "b": "two"}
    assert document.lines[("b",)] == 2


def test_repeated_keys_are_all_told_with_both_lines() -> None:
    said = refused("a: 1\nb: {c: 1, d: 2,\n  c: 3}\na: 2\n")
    assert "study.yaml:3: 'b.c' stands here again, first on line 2" in said
    assert "study.yaml:4: 'a' stands here again, first on line 1" in said


def test_a_key_repeated_in_quotes_is_the_same_key() -> None:
    assert "study.yaml:2: 'a' stands here again" in refused("a: 1\n'a': 2\n")


@pytest.mark.parametrize("text", ["a:\n\tb: 1\n", "a: 1\nb:\t2\n", "a: 1\n# a\tcomment\n"])
def test_a_tab_is_refused_with_its_line(text: str) -> None:
    said = refused(text)
    line = next(i for i, row in enumerate(text.splitlines(), 1) if "\t" in row)
    assert said.startswith(f"study.yaml:{line}: a tab")
    assert "Replace it by spaces." in said


def test_all_lines_with_tabs_are_named() -> None:
    assert "study.yaml:1: a tab (also on lines 3, 4)" in refused("a:\t1\nb: 2\nc:\t3\nd:\t4\n")


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("a: &x 1\n", 1, "'&x' names a place"),
        ("a: 1\nb: *x\n", 2, "'*x' repeats another place"),
        ("a: 1\nb:\n  <<: {c: 1}\n", 3, "'<<' merges another place"),
        ("a: !!str 1\n", 1, "is a tag"),
        ("a: !!python/object/apply:os.system ['true']\n", 1, "is a tag"),
        ("a: 1\n---\nb: 2\n", 2, "a second document"),
        ("? [a, b]\n: 1\n", 1, "a key is no plain word"),
        ("- a\n- b\n", 1, "the file is a list"),
        ("# note\n\njust words\n", 3, "the file is only text"),
        ("a: b: c\n", 1, "a colon where none can stand"),
        ("a: [1, 2\nb: 3\n", 2, "a list that is not closed (it began on line 1)"),
        ("a: {b: 1\nc: 3\n", 2, "keys in braces that are not closed (it began on line 1)"),
        ("a: 'text\n", 2, "a quote that is not closed (it began on line 1)"),
        ("a:\n  b: 1\n c: 2\n", 3, "a line that is not indented like its neighbours"),
        ("a: 1\nb\nc: 2\n", 3, "a key without a colon (it began on line 2)"),
        ("a: @home\n", 1, "a character that cannot begin a value"),
        ('a: "C:\\data"\n', 1, "a backslash in double quotes"),
        ("a: 1\nb: x\x07y\n", 2, "a character that YAML does not allow"),
    ],
)
def test_what_is_not_plain_yaml_is_refused_with_its_line(text: str, line: int, word: str) -> None:
    said = refused(text)
    assert said.startswith(f"study.yaml:{line}: ")
    assert word in said


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "~\n", "\ufeff"])
def test_an_empty_file_is_refused(text: str) -> None:
    assert "study.yaml:1: the file is empty" in refused(text)


def test_text_that_is_not_utf8_is_refused_with_its_line() -> None:
    assert refused("a: 1\nb: Zürich\n".encode("latin-1")).startswith("study.yaml:2: not UTF-8 text")
    assert "not UTF-8 text" in refused("a: 1\n".encode("utf-16"))


def test_a_registry_in_place_of_a_study_is_refused_at_once() -> None:
    assert "Was a data file given in its place?" in refused(b"id,age\n" * 200_000)


def test_deep_nesting_is_refused() -> None:
    assert "nested too deeply" in refused("a: " + "[" * 500 + "]" * 500 + "\n")


def test_a_path_reads_like_code() -> None:
    assert dotted(("analyses", 1, "terms", 0, "name")) == "analyses[1].terms[0].name"


@given(st.text(max_size=30))
def test_an_unquoted_scalar_is_text_or_says_itself(text: str) -> None:
    value = scalar(text)
    if isinstance(value, float | int) and not isinstance(value, bool):
        assert float(text) == value
    elif isinstance(value, str):
        assert value == text
    else:
        assert text.lower() in ("", "~", "null", "true", "false")


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    try:
        document = read_yaml(text.encode("utf-8", "surrogatepass"), "study.yaml")
        places = [f"study.yaml:{line}" for line in document.lines.values()]
    except SpecError as error:
        places = [problem.where for problem in error.problems]
    rows = len(text.splitlines()) + 1
    assert all(place.startswith("study.yaml:") for place in places)
    assert all(1 <= int(place.split(":")[1]) <= rows for place in places)
