"""Layouts, encodings and bodies of files: what is read, and what is refused with its place."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import pyarrow as pa
import pytest

from cohort.dictionary import FileRule
from cohort.engine import DuckDBEngine
from cohort.errors import DataError, SpecError
from cohort.formats import delimited, encoding, frames
from cohort.formats.biotab import is_biotab
from cohort.formats.cbioportal import comment_lines
from cohort.formats.kinds import kind_of

RULE = FileRule.model_validate({"grain": "patient", "key": "id"})
BIOTAB = FileRule.model_validate({"grain": "patient", "key": "id", "skip_rows": [2, 3]})


def body(path: Path, rule: FileRule = RULE) -> list[tuple[object, ...]]:
    """Every row of a file, with the check of the row count."""
    engine = DuckDBEngine()
    shape = delimited.layout(path, path.name, rule)
    columns = range(len(shape.headings))
    table, n = engine.read_delimited(path, path.name, shape, list(columns))
    delimited.check_rows(path, path.name, shape, encoding.scan(path, path.name).n_lines, n)
    return [tuple(row.values()) for row in engine.collect(table).to_pylist()]


def write(folder: Path, content: bytes | str, name: str = "file.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refused(path: Path, rule: FileRule = RULE) -> str:
    with pytest.raises(DataError) as caught:
        body(path, rule)
    return str(caught.value)


def test_scan_digests_the_bytes_and_counts_lines_that_are_not_empty(tmp_path: Path) -> None:
    content = b"id,a\n1,2\n\n3,4"
    seen = encoding.scan(write(tmp_path, content), "file.csv")
    assert seen.sha256 == hashlib.sha256(content).hexdigest()
    assert (seen.encoding, seen.line_ends, seen.n_lines) == ("utf-8", "one", 3)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"id,a\r\n1,2\r\n", ("utf-8", "one", 2)),
        (b"id,a\r\n1,2\n", ("utf-8", "mixed", 2)),
        (b"id,a\r1,2\r", ("utf-8", "mixed", 1)),
        (b"\xef\xbb\xbfid,a\n1,\xc3\xa9\n", ("utf-8", "one", 2)),
        ("id,a\n1,é\n".encode("utf-16"), ("utf-16", "one", 3)),
        (b"id,a\n1,caf\xe9\n", ("cp1252", "one", 2)),
        (b"id,a\n1,\x81\n", ("latin-1", "one", 2)),
    ],
)
def test_scan_names_encoding_and_line_ends(
    tmp_path: Path, content: bytes, expected: tuple[str, str, int]
) -> None:
    seen = encoding.scan(write(tmp_path, content), "file.csv")
    if seen.encoding == "utf-16":  # its zero bytes make lines meaningless before it is rewritten
        assert seen.encoding == expected[0]
    else:
        assert (seen.encoding, seen.line_ends, seen.n_lines) == expected


def test_a_character_cut_by_the_end_of_the_file_is_not_utf8(tmp_path: Path) -> None:
    assert encoding.scan(write(tmp_path, b"id\n\xc3"), "f").encoding == "cp1252"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"PK\x03\x04rest", "damaged ZIP"),
        (b"\xd0\xcf\x11\xe0rest", "old Excel workbook"),
        (b"%PDF-1.7", "a PDF"),
        (b"BZh9", "bzip2"),
        (b"version https://git-lfs.github.com/spec/v1\n", "pointer"),
    ],
)
def test_files_of_kinds_that_are_not_read_say_what_they_are(
    tmp_path: Path, content: bytes, said: str
) -> None:
    with pytest.raises(DataError, match=said):
        kind_of(write(tmp_path, content), "file.csv")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"id,a\n1,2\n", "text"),
        (b"PAR1....", "parquet"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>", "xml"),
        ("<?xml version='1.0'?>".encode("utf-16"), "xml"),
        (b"\n <NaaccrData>", "xml"),
        (b"<n:NaaccrData>", "xml"),
        (gzip.compress(b"<?xml version='1.0'?>", mtime=0), "xml"),
        (gzip.compress(b"id,a\n1,2\n", mtime=0), "text"),
        (b"<5,a\n1,2\n", "text"),
    ],
)
def test_the_kind_of_a_file_is_told_from_its_first_bytes(
    tmp_path: Path, content: bytes, kind: str
) -> None:
    assert kind_of(write(tmp_path, content, "named.pdf"), "named.pdf") == kind


def test_another_encoding_and_mixed_line_ends_are_rewritten(tmp_path: Path) -> None:
    path = write(tmp_path, "id,a\r1,é\r\n2,ü\n".encode("utf-16"))
    copy = encoding.as_utf8(path, "f", encoding.scan(path, "f"), tmp_path)
    assert copy.read_bytes() == "id,a\n1,é\n2,ü\n".encode()


def test_comment_lines_of_cbioportal_count_only_as_it_lays_them_out() -> None:
    assert comment_lines(["#A\tB\n", "#a\tb\n", "ID\tB\n"]) == 2
    assert comment_lines(["#ID\tB\tC\n", "1\t2\n"]) == 0
    assert comment_lines(["% note\n", "ID\tB\n"], "%") == 1
    assert comment_lines(["ID\tB\n"]) == 0


def test_biotab_is_known_by_its_third_row() -> None:
    rows = ["id\ta\n", "id\tb\n", "CDE_ID:\tCDE_ID:2003\n"]
    assert is_biotab(rows)
    assert not is_biotab(rows[:2])
    assert not is_biotab([*rows[:2], "1\tCDE_ID:2\n"])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "id,a\n1,x\n"),
        ("a.tsv", "id\ta\n1\tx\n"),
        ("a.csv", "id\ta\n1\tx\n"),
        ("a.txt", "id;a\n1;x\n"),
        ("a.txt", "id|a\n1|x\n"),
        ("a.csv", "id,a\r\n1,x\r\n"),
        ("a.csv", '"id","a"\n"1","x"\n'),
        ("a.csv", "\ufeffid,a\n1,x"),
        ("a.csv", "\u00a0id , a\u00a0\n1,x\n"),
    ],
)
def test_delimiter_quotes_and_headings_are_found(tmp_path: Path, name: str, content: str) -> None:
    path = write(tmp_path, content, name)
    assert delimited.layout(path, name, RULE).headings == ("id", "a")
    assert body(path) == [("1", "x")]


def test_quoted_fields_keep_delimiters_quotes_and_line_ends(tmp_path: Path) -> None:
    path = write(tmp_path, 'id,a,b\n1,"x, y","said ""no"""\n2,"two\nlines",z\n')
    assert body(path) == [("1", "x, y", 'said "no"'), ("2", "two\nlines", "z")]


def test_a_quoted_heading_may_take_two_lines(tmp_path: Path) -> None:
    path = write(tmp_path, 'id,"a\nb"\n1,2\n')
    assert delimited.layout(path, "f", RULE).headings == ("id", "a\nb")
    assert body(path) == [("1", "2")]


def test_a_quotation_mark_in_a_cbioportal_value_is_a_character(tmp_path: Path) -> None:
    path = write(tmp_path, '#I\tA\n#i\ta\nid\ta\n1\t"cut\n2\t5" cut\n', "a.txt")
    assert body(path) == [("1", '"cut'), ("2", '5" cut')]


def test_empty_lines_and_empty_fields(tmp_path: Path) -> None:
    path = write(tmp_path, "id,a\n1,\n\n2,x\n\n")
    assert body(path) == [("1", None), ("2", "x")]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("1,2\n3\n4,5\n", "line 3: 1 fields where there are 2 headings"),
        ("1,2\n3,4\n5,6,7,8\n", "line 4: 4 or more fields where there are 2 headings"),
        ('1,2\n3,"4\n5,6\n', "line 3: a quotation mark"),
        ("1,2\n \n", "line 3: 1 fields"),
    ],
)
def test_a_row_that_does_not_fit_is_an_error_with_its_line(
    tmp_path: Path, rows: str, said: str
) -> None:
    assert f"file.csv {said}" in refused(write(tmp_path, f"id,a\n{rows}"))


def test_one_overlong_row_among_many_is_not_a_lost_row(tmp_path: Path) -> None:
    path = write(tmp_path, "id,a\n" + "1,2\n" * 200 + "3,4,5\n")
    assert "line 202" in refused(path)


def test_bad_rows_are_listed_up_to_twenty_and_never_quoted(tmp_path: Path) -> None:
    message = refused(write(tmp_path, "id,a\n" + "secret\n" * 30))
    assert message.count("file.csv line") == 20
    assert "and 10 more lines" in message
    assert "secret" not in message


def test_rows_and_records_that_differ_are_an_error(tmp_path: Path) -> None:
    path = write(tmp_path, "id,a\n1,2\n3,4\n")
    shape = delimited.layout(path, path.name, RULE)
    with pytest.raises(DataError, match="2 records in the file but 1 rows"):
        delimited.check_rows(path, path.name, shape, 3, 1)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("id,a\n", "headings only"),
        ("id,a\n\n \n", "headings only"),
        ("\n1,2\n", "line 1: no headings"),
        ("id,a,a\n1,2,3\n", "'a' stands 2 times"),
        ("id\n1\n", "one column only: 'id'"),
    ],
)
def test_headings_that_cannot_be_used(tmp_path: Path, content: str, said: str) -> None:
    assert said in refused(write(tmp_path, content))


def test_a_wrong_delimiter_in_the_dictionary_is_told(tmp_path: Path) -> None:
    rule = RULE.model_copy(update={"delimiter": ","})
    message = refused(write(tmp_path, "id\ta\n1\t2\n"), rule)
    assert "no comma between the headings; they look tab-separated" in message


def test_biotab_rows_are_skipped(tmp_path: Path) -> None:
    text = "id\ta\nlong_id\tlong_a\nCDE_ID:1\tCDE_ID:\nTCGA-1\tx\n"
    assert body(write(tmp_path, text, "b.txt"), BIOTAB) == [("TCGA-1", "x")]


def test_biotab_with_another_dictionary_is_told(tmp_path: Path) -> None:
    text = "id\ta\nlong_id\tlong_a\nCDE_ID:1\tCDE_ID:\nTCGA-1\tx\n"
    message = refused(write(tmp_path, text, "b.txt"))
    assert "GDC biotab" in message
    assert "tcga_brca" in message


def test_patients_in_rows_to_skip_are_kept(tmp_path: Path) -> None:
    text = "id\ta\nTCGA-1\tx\nTCGA-2\ty\nTCGA-3\tz\n"
    path = write(tmp_path, text, "b.txt")
    assert [row[0] for row in body(path, BIOTAB)] == ["TCGA-1", "TCGA-2", "TCGA-3"]
    assert delimited.layout(path, "b.txt", BIOTAB).kept_rows == (2, 3)


def test_tables_in_memory_become_text_as_a_file_would_hold_it() -> None:
    engine = DuckDBEngine()
    table = pa.table(
        {
            "i": pa.array([1, None, 3]),
            "f": pa.array([2.0, 0.1, float("nan")]),
            "s": pa.array(["x", None, " "]),
            "c": pa.array(["a", "b", "a"]).dictionary_encode(),
            "d": pa.array([0, 1, None], pa.date32()),
            "t": pa.array([0, 86_400_000_000, None], pa.timestamp("us")),
            "b": pa.array([True, False, None]),
        }
    )
    read, n = engine.read_table(table, range(7))
    assert n == 3
    assert [tuple(row.values()) for row in engine.collect(read).to_pylist()] == [
        ("1", "2", "x", "a", "1970-01-01", "1970-01-01", "true"),
        (None, "0.1", None, "b", "1970-01-02", "1970-01-02", "false"),
        ("3", None, " ", "a", None, None, None),
    ]


def test_a_pandas_column_of_mixed_types_is_text() -> None:
    import pandas as pd

    arrow = frames.to_arrow(pd.DataFrame({"a": [1, "x", None], "b": [1.0, None, 2.5]}))
    read, _ = (engine := DuckDBEngine()).read_table(arrow, range(2))
    rows = [tuple(row.values()) for row in engine.collect(read).to_pylist()]
    assert rows == [("1", "1"), ("x", None), (None, "2.5")]


def test_the_digest_of_a_table_follows_its_content_not_its_pieces() -> None:
    whole = pa.table({"a": ["x", "y"]})
    pieces = pa.concat_tables([whole.slice(0, 1), whole.slice(1, 1)])
    assert frames.sha256(whole) == frames.sha256(pieces)
    assert frames.sha256(whole) != frames.sha256(pa.table({"a": ["x", "z"]}))


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(SpecError, match="a int is no table"):
        frames.to_arrow(3)


@pytest.mark.parametrize("above", ["Report of 2020\n\n", 'Dr "A\nx\n', "a,b,c\n\n"])
def test_lines_above_the_headings_are_passed_over(tmp_path: Path, above: str) -> None:
    rule = RULE.model_copy(update={"header_row": 3})
    assert body(write(tmp_path, f"{above}id,a\n1,2\n3,4\n"), rule) == [("1", "2"), ("3", "4")]
