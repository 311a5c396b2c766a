"""Change of HER2 between two specimens: which pairs are formed, their table, and what is told."""

from __future__ import annotations

import json
from dataclasses import replace

import narwhals as nw
import pyarrow as pa
import pytest

from cohort import her2_change
from cohort.agreement import kappa
from cohort.engine import DuckDBEngine
from cohort.errors import SpecError
from cohort.schema import SCHEMA
from cohort.table import Cohort

N = None
NUMBERS = ("specimen_day", "tumour_size_mm", "her2_ratio", "her2_copies")


def table(records):
    names = dict.fromkeys(name for record in records for name in record)
    return pa.table(
        {
            name: pa.array(
                [record.get(name) for record in records],
                type=pa.float64() if name in NUMBERS else pa.string(),
            )
            for name in names
        }
    )


def make(patients):
    """A cohort from (patient columns, specimens) of each patient."""
    rows = [{"patient_id": f"p{i:03d}", **own} for i, (own, _) in enumerate(patients)]
    specimens = [
        {"patient_id": f"p{i:03d}", **specimen}
        for i, (_, several) in enumerate(patients)
        for specimen in several
    ]
    assert set().union(*rows, *specimens) <= set(SCHEMA)
    engine = DuckDBEngine()
    return Cohort(
        engine.register("patients", table(rows)), engine, "worked", "days", len(rows),
        specimens=engine.register("specimens", table(specimens)),
    )  # fmt: skip


def primary(ihc, **more):
    return {"specimen_site": "primary", "her2_ihc": ihc, **more}


def metastasis(ihc, **more):
    return {"specimen_site": "distant", "her2_ihc": ihc, **more}


def pair(first, second, hr=N):
    return {"hr_status": hr}, [primary(first), metastasis(second)]


PAIRS = [
    *[pair("0", "0", "negative")] * 4,
    *[pair("0", "1+", "positive")] * 3,
    *[pair("1+", "0", "positive")] * 1,
    *[pair("1+", "1+", "positive")] * 5,
    *[pair("1+", "3+")] * 2,
    *[pair("3+", "3+", "negative")] * 6,
    *[pair("2+", "1+", "negative")] * 2,  # unresolved in the first
    *[pair("0", "2+", "positive")] * 1,  # unresolved in the second
]


@pytest.fixture(scope="module")
def change():
    return her2_change(make(PAIRS), by="hr_status")


def test_the_table_has_every_classified_pair(change):
    assert change.overall.counts == ((4, 3, 0), (1, 5, 2), (0, 0, 6))
    assert (change.overall.n, change.formed.pairs, change.overall.n_unclassified) == (21, 24, 3)
    assert change.unclassified == (("zero", "unresolved", 1), ("unresolved", "low", 2))


def test_shares_have_the_rows_as_denominators(change):
    zero_to_low, low_to_positive = change.overall.shares[0][1], change.overall.shares[1][2]
    assert (zero_to_low.n, zero_to_low.total, zero_to_low.estimate) == (3, 7, 3 / 7)
    assert (low_to_positive.n, low_to_positive.total) == (2, 8)
    overall = change.overall
    assert (overall.changed.n, overall.changed.total) == (6, 21)
    assert (overall.higher.n, overall.lower.n) == (5, 1)
    assert overall.changed.conf_low < 6 / 21 < overall.changed.conf_high


def test_each_level_has_a_table_and_those_without_are_counted(change):
    by_group = {t.group: t.counts for t in change.transitions}
    assert list(by_group) == [None, "negative", "positive"]
    assert by_group["negative"] == ((4, 0, 0), (0, 0, 0), (0, 0, 6))
    assert by_group["positive"] == ((0, 3, 0), (1, 5, 0), (0, 0, 0))
    assert change.n_without_group == 2


def test_kappa_is_that_of_the_table(change):
    (plain, linear, quadratic) = change.overall.kappas
    assert plain == kappa(change.overall.counts)
    assert (linear.weights, quadratic.weights) == ("linear", "quadratic")
    # Observed 15/21; by chance (7 x 5 + 8 x 8 + 6 x 8) / 441.
    assert plain.observed == pytest.approx(15 / 21)
    assert plain.expected == pytest.approx((7 * 5 + 8 * 8 + 6 * 8) / 441)


def test_results_are_plain_numbers(change):
    told = change.to_dict()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert told["transitions"][0]["counts"] == [[4, 3, 0], [1, 5, 2], [0, 0, 6]]
    summary = change.summary
    assert len(summary) == 27
    assert summary["n"].sum() == 21 + 10 + 9
    agreement = change.agreement.set_index(["group", "quantity"])
    assert agreement.loc[(N, "bowker"), "df"].item() == 2
    assert agreement.loc[(N, "changed"), "estimate"].item() == pytest.approx(6 / 21)
    assert "21 pairs, 6 changed" in change._repr_html_()


def test_a_level_without_an_empty_row_has_no_share_there(change):
    negative = change.transitions[1]
    assert negative.shares[1][0].estimate is None
    assert negative.tests[0].reason == "no change between any categories"


def formed(patients, **options):
    made = her2_change(make(patients), **options)
    return made.formed, made


def test_patients_without_a_pair_are_counted_by_what_they_lack():
    counts, _ = formed(
        [
            pair("0", "0"),
            ({}, [primary("0")]),
            ({}, [metastasis("0")]),
            ({}, [primary(N)]),
            ({}, [primary("0", specimen_invasive="no"), metastasis("0")]),
        ]
    )
    assert (counts.patients, counts.pairs) == (5, 1)
    assert (counts.only_first, counts.only_second, counts.neither) == (1, 2, 1)


def test_of_several_primaries_the_index_order_and_of_several_metastases_the_earliest():
    counts, made = formed(
        [
            (
                {},
                [
                    primary("0"),
                    primary("1+"),
                    metastasis("3+", specimen_day=900.0),
                    metastasis("0", specimen_day=500.0),
                ],
            )
        ]
    )
    assert (counts.several_first, counts.several_second) == (1, 1)
    assert made.overall.counts[1][0] == 1


def test_residual_disease_is_compared_with_what_was_before():
    core = {"specimen_timing": "before_treatment", "her2_ihc": "0"}
    rest = {"specimen_timing": "after_neoadjuvant", "her2_ihc": "1+"}
    options = {"first": "before_treatment", "second": "after_neoadjuvant"}
    counts, made = formed([({}, [core, rest]), ({}, [rest])], **options)
    assert made.overall.counts[0][1] == 1
    assert counts.only_second == 1
    again = her2_change(make([({}, [core, rest])]), **options, policies={"E11": "exclude"})
    assert again.overall.n == 1


def test_first_and_last_are_by_day_and_of_different_days():
    def day(ihc, when):
        return {"her2_ihc": ihc, "specimen_day": when}

    counts, made = formed(
        [
            ({}, [day("1+", 900.0), day("0", 3.0), day("3+", 400.0)]),
            ({}, [day("1+", 3.0), day("0", 3.0)]),
            ({}, [day("1+", 3.0), day("0", N)]),
        ],
        first="first",
        second="last",
    )
    assert made.overall.counts[0][1] == 1
    # Two specimens of one day, against one dated specimen beside one without a day.
    assert (counts.pairs, counts.not_later, counts.one_only) == (1, 1, 1)


def test_a_second_specimen_dated_before_the_first_is_told():
    patient = ({}, [primary("0", specimen_day=50.0), metastasis("0", specimen_day=10.0)])
    counts, made = formed([patient])
    assert counts.second_earlier == 1
    assert {f.rule for f in made.findings} == {"second_earlier", "few_pairs"}


def test_recurrences_are_no_primaries():
    again = {"specimen_site": "primary", "specimen_timing": "recurrence", "her2_ihc": "3+"}
    _, made = formed([({}, [primary("0"), again])], second="recurrence")
    assert made.overall.counts[0][2] == 1
    _, made = formed([({}, [primary("0"), again])], second="metastasis_or_recurrence")
    assert made.overall.n == 1
    _, made = formed([({}, [primary("0"), again])])
    assert made.formed.only_first == 1


def test_only_patients_of_the_cohort_are_paired():
    cohort = make(PAIRS)
    few = cohort.engine.materialise(cohort.patients.filter(nw.col("patient_id") < "p004"))
    made = her2_change(replace(cohort, patients=few, n=4))
    assert (made.formed.patients, made.overall.n, made.overall.counts[0][0]) == (4, 4, 4)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"first": "metastasis", "second": "primary"}, "make no pair"),
        ({"first": "primary", "second": "after_neoadjuvant"}, "make no pair"),
        ({"by": "hr_statuss"}, "Did you mean 'hr_status'?"),
        ({"edition": 1999}, "1999"),
        ({"policies": {"E3": "no"}}, "'no' is not a choice"),
    ],
)
def test_what_cannot_be_asked_is_refused(options, said):
    with pytest.raises(SpecError) as error:
        her2_change(make(PAIRS[:2]), **options)
    assert said in str(error.value)


def test_a_cohort_without_specimens_has_no_change(make_cohort):
    with pytest.raises(SpecError, match="one HER2 result a patient"):
        her2_change(make_cohort({"her2_ihc": ["0"]}))


def test_no_pair_at_all_is_a_result_and_no_error():
    _, made = formed([({}, [primary("0")])])
    assert made.overall.n == 0
    assert made.overall.kappas[0].reason == "no pair"
    assert made.overall.changed.estimate is None
