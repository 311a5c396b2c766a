"""Missing values counted by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from analyses.imputation.missingness import missingness
from cohort.errors import AnalysisError

# Six patients: 2 and 3 lack x; 3 lacks y as well; 5 lacks y; 6 has no group.
FRAME = pd.DataFrame(
    {
        "x": [1.0, None, None, 4, 5, 6],
        "y": ["a", "b", None, "b", None, "a"],
        "z": [1, 2, 3, 4, 5, 6],
        "g": pd.Categorical(["low", "low", "zero", "zero", "zero", None], ["zero", "low"], True),
    }
)


@pytest.fixture
def found():
    return missingness(FRAME, columns=["x", "y", "z"], by="g")


def test_by_column_and_group(found):
    assert found.groups == ("zero", "low", "not known")
    assert found.sizes == (3, 2, 1)
    assert [(c.name, c.n_missing, c.by_group) for c in found.columns] == [
        ("x", 2, ((3, 1), (2, 1), (1, 0))),
        ("y", 2, ((3, 2), (2, 0), (1, 0))),
        ("z", 0, ((3, 0), (2, 0), (1, 0))),
    ]
    assert (found.n, found.n_complete, found.n_incomplete) == (6, 3, 3)


def test_patterns_the_most_frequent_first(found):
    assert [(p.missing, p.n, p.by_group) for p in found.patterns] == [
        ((), 3, (1, 1, 1)),
        (("x",), 1, (0, 1, 0)),
        (("y",), 1, (1, 0, 0)),
        (("x", "y"), 1, (1, 0, 0)),
    ]
    assert sum(p.n for p in found.patterns) == found.n


def test_without_groups():
    found = missingness(FRAME, columns=["x"])
    assert found.groups == ()
    assert found.columns[0].by_group == ()
    assert [(p.missing, p.n) for p in found.patterns] == [((), 4), (("x",), 2)]


def test_tables_and_records(found):
    table = found.summary
    assert len(table) == 12
    assert table["estimate"].iloc[0] == pytest.approx(1 / 3)
    assert found.pattern_table["n"].tolist() == [3, 1, 1, 1]
    ids = [record.id for record in found.records("missing")]
    assert "missing/missing_values/zero/y" in ids
    assert "missing/missing_pattern/x + y" in ids
    found.to_dict()


@pytest.mark.parametrize(
    ("frame", "columns", "words"),
    [(FRAME, ["w"], "w"), (FRAME, [], "none"), (FRAME.iloc[:0], ["x"], "no patient")],
)
def test_mistakes_are_named(frame, columns, words):
    with pytest.raises(AnalysisError, match=words):
        missingness(frame, columns=columns)
