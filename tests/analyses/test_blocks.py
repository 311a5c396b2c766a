"""Cox models of rows streamed block by block are those of the rows in memory."""

from __future__ import annotations

import pickle
from typing import Any

import duckdb
import narwhals as nw
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyses.blocks import cox as by_blocks
from analyses.blocks import cox_blocks, parts
from analyses.estimators.cox import cox
from cohort.errors import AnalysisError

LEVELS = ["1", "2", "3"]


def cohort(n: int = 1_500, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    grade = pd.Categorical.from_codes(rng.integers(0, 3, n), LEVELS, ordered=True)
    age = rng.normal(60, 10, n).round()
    days = np.ceil(rng.exponential(400, n) * np.exp(-0.02 * (age - 60) - 0.3 * grade.codes))
    frame = pd.DataFrame({"time": np.minimum(days, 500), "event": days <= 500, "age": age})
    frame = frame.assign(
        grade=grade,
        entry=np.floor(frame["time"] * rng.random(n) * 0.5),
        site=rng.integers(0, 2, n),
        centre=rng.integers(0, 30, n),
        weight=rng.uniform(0.5, 2, n),
        count=rng.integers(1, 3, n),
        known=rng.normal(size=n) * 0.1,
        patient=np.arange(n),
    )
    frame.loc[::97, "age"] = np.nan
    return frame


def relation_of(frame: pd.DataFrame) -> Any:
    connection = duckdb.connect()
    connection.register("given", frame)
    connection.execute("CREATE TABLE patients AS SELECT * FROM given")
    return connection.table("patients")


def assert_same(found: Any, wanted: Any) -> None:
    for one, other in zip(found.coefficients, wanted.coefficients, strict=True):
        for name in ("term", "level", "reference", "n", "n_event", "status", "reason"):
            assert getattr(one, name) == getattr(other, name)
        for name in ("estimate", "std_error", "conf_low", "conf_high"):
            wanted_number = getattr(other, name)
            if wanted_number is None:
                assert getattr(one, name) is None
            else:
                assert getattr(one, name) == pytest.approx(wanted_number, rel=1e-10, abs=1e-11)
    assert found.log_likelihood == pytest.approx(wanted.log_likelihood, rel=1e-12)
    assert found.n_missing == wanted.n_missing
    assert (found.n_input, found.n, found.n_event) == (wanted.n_input, wanted.n, wanted.n_event)
    for name in ("estimate", "std_error"):
        pair = (getattr(model.concordance, name) for model in (found, wanted))
        assert next(pair) == pytest.approx(next(pair), rel=1e-10)
    np.testing.assert_allclose(
        found.baseline.cumulative_hazard, wanted.baseline.cumulative_hazard, rtol=1e-9
    )
    for one, other in zip(found.tests, wanted.tests, strict=True):
        assert one.statistic == pytest.approx(other.statistic, rel=1e-9)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"ties": "breslow"},
        {"entry": "entry", "strata": "site"},
        {"weights": "weight", "cluster": "centre", "offset": "known"},
        {"weights": "count", "robust": True},
    ],
    ids=lambda options: "-".join(options) or "plain",
)
def test_streamed_model_is_the_model_in_memory(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "BLOCK", 400)
    frame = cohort()
    asked: dict[str, Any] = {"time": "time", "event": "event", **options}
    terms = [{"name": "age", "spline": {"df": 3}}, {"name": "grade", "levels": LEVELS}]
    terms.append({"interaction": ["age", "grade"]})
    assert_same(
        cox_blocks(relation_of(frame), terms=terms, **asked), cox(frame, terms=terms, **asked)
    )


@pytest.mark.parametrize("options", [{}, {"entry": "entry", "strata": "site", "weights": "weight"}])
def test_tests_and_residuals_of_a_streamed_model_are_those_in_memory(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "BLOCK", 400)
    send = parts.PartBlocks._on_parts

    def sent(self: Any, work: Any) -> Any:  # as to another machine
        return pickle.loads(pickle.dumps(send(self, work)))

    monkeypatch.setattr(parts.PartBlocks, "_on_parts", sent)
    frame = cohort().dropna().reset_index(drop=True)
    asked: dict[str, Any] = {"time": "time", "event": "event", "terms": ["age", "grade"], **options}
    found, wanted = cox_blocks(relation_of(frame), **asked), cox(frame, **asked)
    one, other = found.proportionality(), wanted.proportionality()
    for a, b in zip((*one.tests, one.overall), (*other.tests, other.overall), strict=True):
        assert a.statistic == pytest.approx(b.statistic, rel=1e-8)
    for a, b in zip(one.curves, other.curves, strict=True):
        np.testing.assert_allclose(a.estimate, b.estimate, rtol=1e-8, atol=1e-10)
    for kind in ("martingale", "dfbeta", "scaled_schoenfeld"):
        pd.testing.assert_frame_equal(
            found.residuals(kind), wanted.residuals(kind), rtol=1e-8, atol=1e-10
        )


@settings(max_examples=5, deadline=None)
@given(st.integers(1, 900), st.integers(0, 50))
def test_any_size_of_block_gives_the_same_model(size: int, seed: int) -> None:
    frame = cohort(600, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "BLOCK", max(size, 20))
        found = cox_blocks(relation_of(frame), time="time", event="event", terms=["age", "grade"])
    assert_same(found, cox(frame, time="time", event="event", terms=["age", "grade"]))


def test_level_without_events_leaves_every_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "BLOCK", 250)
    frame = cohort()
    frame["event"] &= frame["grade"] != "2"
    found = cox_blocks(relation_of(frame), time="time", event="event", terms=["age", "grade"])
    wanted = cox(frame, time="time", event="event", terms=["age", "grade"])
    assert_same(found, wanted)
    assert found.failures == wanted.failures


def test_lazy_frame_and_text_levels_are_read_too() -> None:
    frame = cohort().assign(grade=lambda rows: rows["grade"].astype(str))
    terms = ["age", {"name": "grade", "levels": LEVELS, "reference": "2"}]
    lazy = nw.from_native(relation_of(frame))
    found = cox_blocks(lazy, time="time", event="event", terms=terms)
    assert_same(found, cox(frame, time="time", event="event", terms=terms))


def test_rows_in_another_order_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "BLOCK", 400)
    shuffled = relation_of(cohort()).order("random()")
    with pytest.raises(AnalysisError, match="another order"):
        cox_blocks(shuffled, time="time", event="event", terms=["age"])


def test_more_sums_than_a_block_may_hold_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_blocks, "LARGEST_SUMS", 1 << 10)
    with pytest.raises(AnalysisError, match="different event times x 1 columns need sums"):
        cox_blocks(relation_of(cohort()), time="time", event="event", terms=["age"])


def test_absent_column_is_told_with_the_nearest() -> None:
    with pytest.raises(AnalysisError, match="not in the table"):
        cox_blocks(relation_of(cohort()), time="time", event="event", terms=["ag"])
