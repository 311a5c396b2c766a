"""The engines behind the lazy tables: one contract, whichever computes."""

from __future__ import annotations

import csv
import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import narwhals as nw
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cohort.dictionary import FileRule
from cohort.engine import DuckDBEngine
from cohort.errors import DataError
from cohort.formats import delimited
from cohort.table import Engine

RULE = FileRule.model_validate({"grain": "patient", "key": "id"})

Row = dict[str, Any]


def rows(engine: Engine, frame: nw.LazyFrame[Any]) -> list[Row]:
    """Every row of a lazy table, in the order of the first column."""
    found: list[Row] = engine.collect(frame).to_pylist()
    return sorted(found, key=lambda row: str(next(iter(row.values()))))


def read(engine: Engine, path: Path, columns: list[int] | None = None) -> list[Row]:
    layout = delimited.layout(path, path.name, RULE)
    wanted = list(range(len(layout.headings))) if columns is None else columns
    table, n = engine.read_delimited(path, path.name, layout, wanted)
    found = rows(engine, table)
    assert len(found) == n
    return [{name: value or None for name, value in row.items()} for row in found]


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def test_a_registered_table_joins_and_counts(engine: Engine) -> None:
    patients = engine.register("p", pa.table({"id": ["a", "b", "c"], "code": ["1", "2", None]}))
    codes = engine.register("c", pa.table({"code": ["1", "2"], "level": ["low", "zero"]}))
    joined = engine.materialise(patients.join(codes, on="code", how="left"))
    assert rows(engine, joined.select("id", "level")) == [
        {"id": "a", "level": "low"}, {"id": "b", "level": "zero"}, {"id": "c", "level": None},
    ]  # fmt: skip
    counted = engine.collect(joined.select(n=nw.len(), known=nw.col("level").count()))
    assert counted.to_pylist() == [{"n": 3, "known": 2}]


def test_a_quoted_cell_may_hold_anything(engine: Engine, tmp_path: Path) -> None:
    cells = [
        ["id", "said"],
        ["1", 'a "word", and more'], ["2", ""], ["3", " kept "], ["4", "é\u00a0ß"], ["5", "#x"],
        ["6", "x" * 1_000_000],
    ]  # fmt: skip
    path = tmp_path / "a [b] {c}, *.csv"
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file).writerows(cells)
    assert read(engine, path) == [{"c0": a, "c1": b or None} for a, b in cells[1:]]
    assert read(engine, path, [1])[0].keys() == {"c1"}


def test_a_line_end_within_quotes_is_no_new_row(engine: Engine, tmp_path: Path) -> None:
    path = write(tmp_path / "f.csv", 'id,a,b\n1,2,"x\ny,z,w"\n2,,\n')
    assert read(engine, path) == [
        {"c0": "1", "c1": "2", "c2": "x\ny,z,w"},
        {"c0": "2", "c1": None, "c2": None},
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,a\n1,2\n3\n4,5\n", "line 3: 1 fields where there are 2 headings"),
        ("id,a\n1,2\n3,4,5\n", "line 3: 3 or more fields where there are 2 headings"),
        ('id,a\n1,2\n3,"4\n5,6\n', "line 3: a quotation mark"),
    ],
)
def test_a_line_that_does_not_fit_is_named(
    engine: Engine, tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(DataError, match=said):
        read(engine, write(tmp_path / "f.csv", text))


def test_lines_before_the_patients_are_skipped(engine: Engine, tmp_path: Path) -> None:
    path = write(tmp_path / "f.txt", '#Id\tDr "A\n#id\ta\nID\tA\n1\t"x\n\n2\ty\n')
    assert read(engine, path) == [{"c0": "1", "c1": '"x'}, {"c0": "2", "c1": "y"}]


TYPED = pa.table(
    {
        "id": pa.array(["1", "2", "3"]),
        "whole": pa.array([1, None, -3], pa.int32()),
        "number": pa.array([2.0, 0.1, float("nan")]),
        "small": pa.array([1e-7, 1e20, None]),
        "single": pa.array([1.5, 0.1, 3.0], pa.float32()),
        "yes": pa.array([True, False, None]),
        "day": pa.array([dt.date(2015, 3, 31), None, dt.date(1999, 1, 1)]),
        "moment": pa.array([0, 14_700, None], pa.timestamp("s")),
        "nanosecond": pa.array([0, None, 10**18], pa.timestamp("ns")),
        "exact": pa.array([Decimal("1.50"), None, Decimal("-2.00")], pa.decimal128(6, 2)),
        "level": pa.array(["x", "y", None]).dictionary_encode(),
        "nothing": pa.nulls(3),
    }
)


def test_values_are_written_as_a_file_would_hold_them(engine: Engine, tmp_path: Path) -> None:
    everything = list(range(TYPED.num_columns))
    other = DuckDBEngine()  # held: its tables go with it
    expected = rows(other, other.read_table(TYPED, everything)[0])
    table, n = engine.read_table(TYPED, everything)
    assert (rows(engine, table), n) == (expected, 3)
    assert expected[0] | {"c3": None} == {
        "c0": "1", "c1": "1", "c2": "2", "c3": None, "c4": "1.5", "c5": "true",
        "c6": "2015-03-31", "c7": "1970-01-01", "c8": "1970-01-01", "c9": "1.50", "c10": "x",
        "c11": None,
    }  # fmt: skip
    path = tmp_path / "f.parquet"
    pq.write_table(TYPED, path)
    table, n = engine.read_parquet(path, path.name, everything)
    assert (rows(engine, table), n) == (expected, 3)


def test_a_damaged_parquet_file_is_refused(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    pq.write_table(TYPED, path)
    content = bytearray(path.read_bytes())
    content[10:200] = b"x" * 190
    path.write_bytes(content)
    with pytest.raises(DataError, match="no readable Parquet file"):
        engine.read_parquet(path, path.name, list(range(TYPED.num_columns)))


def test_a_stream_of_batches_becomes_one_table(engine: Engine) -> None:
    batches = [pa.record_batch({"c0": [str(i)], "c3": ["x"]}) for i in range(3)]
    reader = pa.RecordBatchReader.from_batches(batches[0].schema, batches)
    table, n = engine.read_batches(reader)
    assert n == 3
    assert rows(engine, table) == [{"c0": str(i), "c3": "x"} for i in range(3)]
