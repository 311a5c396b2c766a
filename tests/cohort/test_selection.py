"""Selection: each patient counted once, under the first criterion not met."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cohort.engine import DuckDBEngine
from cohort.errors import SpecError
from cohort.her2 import classify_her2
from cohort.selection import Criterion, select
from cohort.table import Cohort

YEARS = Criterion("era", "diagnosis_year", "Score collected", between=(2010, 2017))
SEX = Criterion("women", "sex", "Women", one_of=("female",))


def test_attrition_of_worked_patients(make_cohort):
    cohort = make_cohort(
        {
            "diagnosis_year": [2009, 2010, 2017, None, 2012, 2012, 2012],
            "sex": ["female", "female", "male", "female", None, "female", "female"],
            "her2_status": ["zero", "low", "low", "zero", "low", "unknown", "negative_unspecified"],
            "os_time": [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
        }
    )
    selected = select(cohort, [YEARS, SEX], endpoint="os")
    steps = {s.id: (s.n_before, s.n_removed, s.n_unknown, s.n_after) for s in selected.attrition}
    assert steps == {
        "era": (7, 2, 1, 5),
        "women": (5, 2, 1, 3),
        "her2-unknown": (3, 1, 0, 2),
        "her2-unresolved": (2, 0, 0, 2),
        "her2-negative_unspecified": (2, 1, 0, 1),
        "os-known": (1, 0, 0, 1),
    }
    assert list(selected.to_pandas().patient_id) == ["p000001"]
    assert selected.n == 1
    era = selected.attrition[0]
    assert dict(era.removed_by_group)["zero"] == 2
    assert dict(era.after_by_group)["low"] == 3


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([2008, 2010, 2015, 2018, None]),
            st.sampled_from(["female", "male", None]),
            st.sampled_from(["zero", "low", "positive", "unresolved", "unknown"]),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_steps_chain_and_groups_sum(patients):
    import pyarrow as pa

    table = pa.table(
        {
            "patient_id": [str(i) for i in range(len(patients))],
            "diagnosis_year": pa.array([p[0] for p in patients], pa.int64()),
            "sex": pa.array([p[1] for p in patients], pa.string()),
            "her2_status": [p[2] for p in patients],
        }
    )
    engine = DuckDBEngine()
    cohort = Cohort(engine.register("p", table), engine, "worked", "days", len(patients))
    selected = select(cohort, [YEARS, SEX])
    before = len(patients)
    for step in selected.attrition:
        assert step.n_before == before
        assert step.n_before - step.n_removed == step.n_after
        assert sum(n for _, n in step.removed_by_group) == step.n_removed
        assert sum(n for _, n in step.after_by_group) == step.n_after
        assert 0 <= step.n_unknown <= step.n_removed
        before = step.n_after
    direct = sum(
        p[0] is not None and 2010 <= p[0] <= 2017 and p[1] == "female"
        and p[2] in ("zero", "low", "positive")
        for p in patients
    )  # fmt: skip
    assert selected.n == before == direct == len(selected.to_pandas())


def test_unknown_columns_are_told_together_with_a_suggestion(make_cohort):
    cohort = make_cohort({"sex": ["female"], "grade": ["1"]})
    wrong = [
        Criterion("a", "gade", "x", not_missing=True),
        Criterion("b", "stage", "y", not_missing=True),
    ]
    with pytest.raises(SpecError) as error:
        select(cohort, wrong, her2_groups=False)
    assert len(error.value.problems) == 2
    assert "Did you mean 'grade'?" in str(error.value)


def test_a_criterion_has_exactly_one_condition():
    with pytest.raises(SpecError, match="2 conditions given"):
        Criterion("a", "sex", "x", one_of=("female",), not_missing=True)


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ({"one_of": "III"}, "one_of is 'III'"),
        ({"one_of": ()}, "one_of is ()"),
        ({"between": (None, None)}, "between is (None, None)"),
        ({"between": (20,)}, "between is (20,)"),
        ({"between": ("20", "80")}, "between is ('20', '80')"),
        ({"between": (80, 20)}, "between is (80, 20)"),
        ({"between": (True, 2)}, "between is (True, 2)"),
    ],
)
def test_a_condition_that_is_none_is_refused_when_it_is_made(condition, said):
    with pytest.raises(SpecError) as error:
        Criterion("x", "stage", "x", **condition)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("criterion", "said"),
    [
        (Criterion("x", "stage", "x", one_of=("II", "iii")), "'iii' is not a level of stage"),
        (Criterion("x", "stage", "x", between=(1, 2)), "'stage' is no number"),
        (Criterion("x", "age_years", "x", one_of=("old",)), "'old' is no number"),
    ],
)
def test_a_condition_that_does_not_fit_its_column_is_refused(make_cohort, criterion, said):
    cohort = make_cohort({"stage": ["I"], "age_years": [50.0]})
    with pytest.raises(SpecError, match=said):
        select(cohort, [criterion], her2_groups=False)


def test_a_missing_time_leaves_the_endpoint_of_that_name_and_no_other(make_cohort):
    cohort = make_cohort({"pfi_time": [1.0, None, 0.0], "os_time": [None, 1.0, 1.0]})
    selected = select(cohort, [], endpoint="pfi", her2_groups=False)
    assert list(selected.to_pandas().patient_id) == ["p000000", "p000002"]
    step = selected.attrition[0]
    assert (step.id, step.n_removed, step.n_unknown) == ("pfi-known", 1, 1)
    assert selected.choices[-1].stage == "select_implied"


def test_a_second_selection_continues_the_attrition_of_the_first(make_cohort):
    cohort = make_cohort({"sex": ["female", "female", "male"], "os_time": [1.0, None, 2.0]})
    once = select(cohort, [SEX], her2_groups=False)
    twice = select(once, [], endpoint="os", her2_groups=False)
    assert [(s.n_before, s.n_after) for s in twice.attrition] == [(3, 2), (2, 1)]


def test_numbers_are_compared_as_numbers_in_one_of(make_cohort):
    cohort = make_cohort({"diagnosis_year": [2010, 2011, 2012]})
    chosen = Criterion("years", "diagnosis_year", "two years", one_of=("2010", "2012"))
    assert select(cohort, [chosen], her2_groups=False).n == 2


@pytest.mark.parametrize(
    ("between", "kept", "said"),
    [
        ((None, 2011), ["2010", "2011"], "diagnosis_year up to 2011"),
        ((2011, None), ["2011", "2012"], "diagnosis_year 2011 or more"),
        ((2011, 2011), ["2011"], "diagnosis_year 2011 to 2011"),
    ],
)
def test_both_ends_of_a_range_are_included_and_either_may_be_open(make_cohort, between, kept, said):
    cohort = make_cohort({"diagnosis_year": [2010, 2011, 2012, None]})
    criterion = Criterion("years", "diagnosis_year", "years", between=between)
    selected = select(cohort, [criterion], her2_groups=False)
    assert [str(int(year)) for year in selected.to_pandas().diagnosis_year] == kept
    assert (selected.choices[-1].stage, selected.choices[-1].value) == ("select", said)


def test_a_cohort_shows_its_attrition_in_a_notebook(make_cohort):
    cohort = make_cohort({"sex": ["female", "male"]})
    shown = select(cohort, [SEX], her2_groups=False)._repr_html_()
    assert "<b>1 patients</b> from worked" in shown
    assert "<td>Women</td><td>1</td><td>1</td>" in shown


def test_ihc_2_that_is_to_be_imputed_stays_and_no_other_without_a_group(make_cohort):
    """IHC 2+ without in-situ result is kept (E1: impute); with an equivocal one it is not."""
    raw = make_cohort(
        {
            "her2_ihc": ["0", "1+", "3+", "2+", "2+", "2+", None],
            "her2_ish": ["negative", None, None, None, "equivocal", "negative", "negative"],
        }
    )
    cohort = classify_her2(raw, policies={"E1": "impute"})
    kept = select(cohort, [], her2_drawn=True)
    assert kept.to_pandas(["her2_status"])["her2_status"].tolist() == [
        "zero",
        "low",
        "positive",
        "unresolved",
        "low",
    ]
    steps = {step.id: step.n_removed for step in kept.attrition}
    assert steps == {"her2-unknown": 0, "her2-negative_unspecified": 1, "her2-unresolved": 1}
    assert select(cohort, []).n == 4
