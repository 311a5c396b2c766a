from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analyses import by_site, cox, meta_analysis
from analyses.plots.by_site import plot_by_site
from analyses.results.by_site import BySite
from cohort.errors import AnalysisError

REFERENCE = Path(__file__).resolve().parent.parent / "reference"
TERMS = [{"name": "group", "levels": ["zero", "low", "positive"]}, "age"]
ASKED: dict[str, Any] = {"time": "time", "event": "event", "terms": TERMS, "of": "group"}


def patients() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "by_site_patients.csv")


@pytest.fixture(scope="module")
def result() -> BySite:
    return by_site(patients(), site="site", named="names", **ASKED)


def test_sites_pools_and_models_of_all_sites_equal_those_of_r(result: BySite) -> None:
    r = pd.read_csv(REFERENCE / "by_site.csv")
    by_level = {one.level: one for one in result.levels}
    assert list(by_level) == ["low", "positive"]
    for row in r.itertuples():
        one = by_level[row.level]
        assert one.pool is not None
        if row.quantity == "site":
            mine: Any = next(s for s in one.sites if s.site == row.site)
        elif row.quantity == "prediction":
            assert one.pool.random.prediction_low == pytest.approx(row.conf_low, rel=1e-8)
            assert one.pool.random.prediction_high == pytest.approx(row.conf_high, rel=1e-8)
            continue
        else:
            mine = (
                one.pool.random if row.quantity == "pooled_random" else getattr(one, row.quantity)
            )
        assert mine.estimate == pytest.approx(row.estimate, rel=1e-7), row
        assert mine.std_error == pytest.approx(row.std_error, rel=1e-7), row
    assert [s.site for s in by_level["low"].used] == list("ABCDEF")
    assert [s.site for s in by_level["positive"].used] == list("ABCDE")


def test_two_sites_by_hand() -> None:
    """In each site one low patient dies first and one zero patient second, ten times over.

    Breslow: both at risk at the first death, the zero patient alone at the second, so that the
    log likelihood of a ratio r is log(r / (r + 1)) a pair; with k pairs of (low, zero) first and
    m of (zero, low) first, each pair a stratum, r = k / m and its variance 1/k + 1/m.
    """
    rows = []
    for site, k, m in (("a", 12, 6), ("b", 8, 8)):
        for pair in range(k + m):
            first, second = ("low", "zero") if pair < k else ("zero", "low")
            rows += [(site, f"{site}{pair}", first, 1, 1), (site, f"{site}{pair}", second, 2, 1)]
    frame = pd.DataFrame(rows, columns=["site", "pair", "group", "time", "event"])
    found = by_site(
        frame,
        time="time",
        event="event",
        terms=[{"name": "group", "levels": ["zero", "low"]}],
        of="group",
        site="site",
        strata="pair",
    )
    (low,) = found.levels
    a, b = low.sites
    assert (a.site, a.n, a.n_event) == ("site 1", 36, 36)
    assert a.estimate == pytest.approx(math.log(2), rel=1e-8)
    assert a.std_error == pytest.approx(math.sqrt(1 / 12 + 1 / 6), rel=1e-8)
    assert b.estimate == pytest.approx(0, abs=1e-10)
    assert low.stratified.estimate == pytest.approx(math.log(20 / 14), rel=1e-8)
    weights = [1 / (1 / 12 + 1 / 6), 1 / (1 / 8 + 1 / 8)]
    assert low.pool is not None
    expected = weights[0] * math.log(2) / sum(weights)
    assert low.pool.fixed.estimate == pytest.approx(expected, rel=1e-8)


def test_sites_without_an_estimate_are_counted_by_reason(result: BySite) -> None:
    low, positive = result.levels
    assert low.left_out == (("no event", 1, 25, 0), ("fewer than 10 events", 1, 9, 4))
    reasons = {why: n for why, n, _, _ in positive.left_out}
    assert reasons["no finite estimate (no event at the level or at the reference)"] == 1
    found = [f for f in result.findings if f.rule == "sites_left_out"]
    assert sum(f.n for f in found if f.value == "low") == 2
    assert sum(f.n for f in found if f.value == "positive") == 3


def test_sites_are_numbered_by_size_unless_their_names_are_asked_for() -> None:
    found = by_site(patients(), site="site", **ASKED)
    assert [s.site for s in found.levels[0].sites][:2] == ["site 1", "site 2"]
    ids = " ".join(r.id for r in found.records("s")) + json.dumps(found.to_dict())
    assert "study_log_hazard_ratio/low/site 1" in ids
    assert not [s for s in "ABCDEFGH" if f'"{s}"' in ids or f"/{s}" in ids]


def test_one_site_is_refused_by_name() -> None:
    frame = patients()
    with pytest.raises(AnalysisError, match="1 site: nothing can be compared"):
        by_site(frame[frame["site"] == "A"], site="site", **ASKED)


def test_a_term_that_is_none_is_refused() -> None:
    with pytest.raises(AnalysisError, match="'grup' is no term"):
        by_site(patients(), site="site", **ASKED | {"of": "grup"})
    spline = [*TERMS[:1], {"name": "age", "spline": {"df": 3}}]
    with pytest.raises(AnalysisError, match="is a curve"):
        by_site(patients(), site="site", **ASKED | {"of": "age", "terms": spline})


def test_patients_without_a_site_are_counted() -> None:
    frame = patients()
    frame.loc[:9, "site"] = None
    found = by_site(frame, site="site", **ASKED)
    assert found.n_missing == (("site", 10),)
    assert sum(s.n for s in found.levels[0].sites) == found.n == len(frame) - 10


def test_no_site_with_an_estimate_leaves_the_models_of_all_sites() -> None:
    found = by_site(patients(), site="site", least_events=1000, **ASKED)
    assert found.levels[0].pool is None
    assert found.levels[0].stratified.estimate is not None
    records = {r.id: r for r in found.records("s")}
    assert records["s/pooled_random/low"].reason == "no site has an estimate of its own"


def test_the_pool_is_that_of_meta_analysis(result: BySite) -> None:
    low = result.levels[0]
    frame = pd.DataFrame([(s.site, s.estimate, s.std_error) for s in low.used], columns=list("sye"))
    other = meta_analysis(frame, estimate="y", std_error="e", study="s")
    assert low.pool is not None
    assert low.pool.random.estimate == other.random.estimate


def test_the_stratified_model_is_that_of_cox(result: BySite) -> None:
    model = cox(patients(), time="time", event="event", terms=TERMS, strata="site")
    (low,) = [c for c in model.estimated if c.level == "low"]
    assert result.levels[0].stratified.estimate == low.estimate


def test_the_forest_draws_each_site_and_the_models_beneath(result: BySite) -> None:
    drawn = plot_by_site(result, level="positive")
    marks = {mark.key: mark for mark in drawn.marks}
    (square,) = [m.centre for k, m in marks.items() if k == "A"]
    positive = result.levels[1]
    assert positive.sites[0].estimate is not None
    assert square is not None
    assert list(square.get_xdata()) == [pytest.approx(math.exp(positive.sites[0].estimate))]
    assert marks["stratified"].interval is not None
    assert any("not pooled" in note.get_text() for note in drawn.notes)
