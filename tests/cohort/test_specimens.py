"""The index specimen: worked patients for each rule of item 3855 and each choice of E10."""

from __future__ import annotations

from dataclasses import replace

import narwhals as nw
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cohort import classify_her2, index_specimen
from cohort.engine import DuckDBEngine
from cohort.errors import SpecError
from cohort.schema import SCHEMA
from cohort.table import Cohort

N = None
KINDS = {"number": pa.float64(), "integer": pa.int64()}


def table(columns):
    """Arrow columns of the schema's types."""
    arrays = {
        name: pa.array(values, type=KINDS.get(SCHEMA[name].kind, pa.string()))
        for name, values in columns.items()
    }
    return pa.table(arrays)


def make(specimens, patients=None):
    """A cohort of patient a (or of the patients given) with specimens, dicts of columns."""
    patients = [{}] if patients is None else patients
    rows = [{"patient_id": chr(97 + i), **patient} for i, patient in enumerate(patients)]
    specimens = [{"patient_id": "a", **specimen} for specimen in specimens]

    def columns(records):
        names = dict.fromkeys(name for record in records for name in record)
        return table({name: [record.get(name) for record in records] for name in names})

    engine = DuckDBEngine()
    return Cohort(
        engine.register("patients", columns(rows)),
        engine,
        "worked",
        "days",
        len(rows),
        specimens=engine.register("specimens", columns(specimens)),
    )


def chosen(specimens, patients=None, **options):
    """(specimen_id, status) of the first patient after choosing and classifying."""
    cohort = classify_her2(index_specimen(make(specimens, patients), **options))
    row = cohort.to_pandas().iloc[0]
    return row["specimen_id"], str(row["her2_status"])


def noted(specimens, patients=None, **options):
    """Findings of the choice, rule to patients."""
    cohort = index_specimen(make(specimens, patients), **options)
    return {f.rule: f.n for f in cohort.findings if f.source == "index_specimen"}


def s(id, ihc=N, **more):
    return {"specimen_id": id, "her2_ihc": ihc, **more}


INVASIVE = [{"behaviour": "invasive"}]
WORKED = {
    "the invasive part, though the in-situ part is higher": (
        [s("dcis", "3+", specimen_invasive="no"), s("inv", "1+", specimen_invasive="yes")],
        INVASIVE, ("inv", "low"),
    ),
    "a part not said to be in situ counts as invasive": (
        [s("dcis", "3+", specimen_invasive="no"), s("core", "0")], INVASIVE, ("core", "zero"),
    ),
    "only the in-situ part of an invasive tumour": (
        [s("dcis", "3+", specimen_invasive="no")], INVASIVE, (N, "unknown"),
    ),
    "a part said to be in situ by its behaviour": (
        [s("dcis", "3+", behaviour="in_situ"), s("core", "0", behaviour="invasive")],
        INVASIVE, ("core", "zero"),
    ),
    "only the in-situ part, and behaviour not known": (
        [s("dcis", "3+", specimen_invasive="no")], [{}], (N, "unknown"),
    ),
    "purely in-situ disease has its own result": (
        [s("dcis", "1+", specimen_invasive="no")], [{"behaviour": "in_situ"}], ("dcis", "low"),
    ),
    "the primary before a node and a metastasis": (
        [
            s("met", "3+", specimen_site="distant"), s("node", "2+", specimen_site="regional"),
            s("core", "0", specimen_site="primary"),
        ],
        [{}], ("core", "zero"),
    ),
    "a node before a metastasis where no primary was tested": (
        [
            s("met", "3+", specimen_site="distant"), s("node", "1+", specimen_site="regional"),
            s("core", N, specimen_site="primary"),
        ],
        [{}], ("node", "low"),
    ),
    "tissue at recurrence after everything else": (
        [
            s("again", "3+", specimen_site="primary", specimen_timing="recurrence"),
            s("met", "1+", specimen_site="distant", specimen_timing="before_treatment"),
        ],
        [{}], ("met", "low"),
    ),
    "before neoadjuvant therapy": (
        [
            s("rest", "3+", specimen_timing="after_neoadjuvant"),
            s("core", "0", specimen_timing="before_treatment"),
        ],
        [{}], ("core", "zero"),
    ),
    "after neoadjuvant therapy where nothing earlier was tested": (
        [
            s("rest", "1+", specimen_timing="after_neoadjuvant"),
            s("core", N, specimen_timing="before_treatment"),
        ],
        [{}], ("rest", "low"),
    ),
    "the primary after therapy before a node before it": (
        [
            s("node", "3+", specimen_site="regional", specimen_timing="before_treatment"),
            s("rest", "1+", specimen_site="primary", specimen_timing="after_neoadjuvant"),
        ],
        [{}], ("rest", "low"),
    ),
    "positive over negative within a tumour": (
        [s("x", "1+"), s("y", "2+", her2_ish="positive"), s("z", "0")], [{}], ("y", "positive"),
    ),
    "low over zero within a tumour": ([s("x", "0"), s("y", "1+")], [{}], ("y", "low")),
    "2+ with negative in-situ result over 1+": (
        [s("x", "1+"), s("y", "2+", her2_ish="negative")], [{}], ("y", "low"),
    ),
    "an unresolved 2+ is resolved by in-situ hybridisation of another specimen": (
        [s("x", "2+"), s("y", "2+", her2_ish="negative")], [{}], ("y", "low"),
    ),
    "an unresolved 2+ is not settled by a lower score": (
        [s("x", "2+"), s("y", "1+")], [{}], ("x", "unresolved"),
    ),
    "a negative without a score may be low, and stands before zero": (
        [s("x", "0"), s("y", her2_reported="negative")], [{}], ("y", "negative_unspecified"),
    ),
    "low stands before a negative without a score": (
        [s("x", "1+"), s("y", her2_reported="negative")], [{}], ("x", "low"),
    ),
    "the largest of several tumours, though another is higher": (
        [
            s("x", "3+", tumour_id="1", tumour_size_mm=12.0),
            s("y", "0", tumour_id="2", tumour_size_mm=31.0),
        ],
        [{}], ("y", "zero"),
    ),
    "highest within the largest tumour, whichever row holds its size": (
        [
            s("x", "3+", tumour_id="1", tumour_size_mm=12.0),
            s("y", "0", tumour_id="2", tumour_size_mm=31.0),
            s("z", "1+", tumour_id="2"),
        ],
        [{}], ("z", "low"),
    ),
    "a tumour without a size after one with a size": (
        [s("x", "3+", tumour_id="1"), s("y", "0", tumour_id="2", tumour_size_mm=3.0)],
        [{}], ("y", "zero"),
    ),
    "tumours of one size: the highest category": (
        [
            s("x", "0", tumour_id="1", tumour_size_mm=12.0),
            s("y", "1+", tumour_id="2", tumour_size_mm=12.0),
        ],
        [{}], ("y", "low"),
    ),
    "a specimen of the tumour that the patient's row describes": (
        [
            s("x", "0", tumour_id="1", tumour_size_mm=12.0),
            s("y", "3+", tumour_id="2", tumour_size_mm=40.0),
        ],
        [{"tumour_id": "1"}], ("x", "zero"),
    ),
    "equal specimens: the earliest": (
        [s("x", "1+", specimen_day=9.0), s("y", "1+", specimen_day=2.0)], [{}], ("y", "low"),
    ),
    "equal specimens of one day: the smaller key": (
        [s("y", "1+", specimen_day=2.0), s("x", "1+", specimen_day=2.0)], [{}], ("x", "low"),
    ),
    "a dated specimen before an undated equal": (
        [s("x", "1+"), s("y", "1+", specimen_day=2.0)], [{}], ("y", "low"),
    ),
    "an empty specimen is no evidence": ([s("x"), s("y", "0")], [{}], ("y", "zero")),
    "the patient's own row where no specimen is usable": (
        [s("x")], [{"her2_ihc": "1+"}], (N, "low"),
    ),
    "a specimen over the patient's own row, whole": (
        [s("x", "0")], [{"her2_ihc": "2+", "her2_ish": "positive"}], ("x", "zero"),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def worked():
    """(specimen_id, status) of every worked patient, all in one cohort, in two orders of rows."""
    patients = [patient for _, (patient,), _ in WORKED.values()]
    specimens = [
        {**specimen, "patient_id": place(i)}
        for i, (rows, _, _) in enumerate(WORKED.values())
        for specimen in rows
    ]
    given = [{**patient, "patient_id": place(i)} for i, patient in enumerate(patients)]
    return [answers(make(rows, given)) for rows in (specimens, specimens[::-1])]


def place(i):
    return f"p{i:03d}"


def answers(cohort, **options):
    """Patient to (specimen_id, status)."""
    frame = classify_her2(index_specimen(cohort, **options)).to_pandas()
    told = zip(frame["specimen_id"], frame["her2_status"].astype(str), strict=True)
    return dict(zip(frame["patient_id"], told, strict=True))


@pytest.mark.parametrize("name", WORKED)
def test_index_specimen_by_item_3855(worked, name):
    patient = place(list(WORKED).index(name))
    assert [answer[patient] for answer in worked] == [WORKED[name][2]] * 2


LATER = [
    s("core", "0", specimen_day=0.0),
    s("rest", "1+", specimen_day=200.0),
    s("met", "3+", specimen_day=900.0, specimen_site="distant"),
    s("undated", "2+", her2_ish="negative"),
    s("dcis", "3+", specimen_day=1.0, specimen_invasive="no"),
]


@pytest.mark.parametrize(
    ("choice", "day", "expected"),
    [
        ("closest", 899.0, ("rest", "low")),
        ("closest", 900.0, ("met", "positive")),
        ("closest", 199.0, ("core", "zero")),
        ("closest", -1.0, (N, "unknown")),
        ("closest", N, (N, "unknown")),
        ("first", N, ("core", "zero")),
        ("last", N, ("met", "positive")),
        ("ever_low", N, ("met", "positive")),
        ("item_3855", N, ("undated", "low")),
    ],
)
def test_choices_of_e10(choice, day, expected):
    patients = [{"metastasis_day": day, "her2_ihc": "1+"}]
    options = {"index_day": "metastasis_day"} if choice == "closest" else {}
    assert chosen(LATER, patients, policies={"E10": choice}, **options) == expected


def test_ever_low_takes_a_low_specimen_over_one_left_open():
    two = [s("x", "2+"), s("y", "1+")]
    assert chosen(two, policies={"E10": "ever_low"}) == ("y", "low")
    assert chosen(two) == ("x", "unresolved")


def test_other_edge_cases_reach_the_category_of_a_specimen():
    two = [s("x", "1+"), s("y", "0", her2_ish="positive")]
    assert chosen(two)[0] == "y"
    assert chosen(two, policies={"E3": "keep_by_ihc"})[0] == "x"


def test_nothing_happens_without_specimens(make_cohort):
    cohort = make_cohort({"her2_ihc": ["0", "1+"]})
    assert index_specimen(cohort) is cohort


def test_a_patient_keeps_every_column_and_takes_all_evidence():
    patients = [{"age_years": 60.0, "her2_ihc": "0", "her2_reported": "positive"}]
    cohort = index_specimen(
        make([s("x", "2+", her2_ratio=2.4, specimen_site="primary", specimen_day=3.0)], patients)
    )
    row = cohort.to_pandas().iloc[0]
    assert list(cohort.columns[:4]) == ["patient_id", "age_years", "her2_ihc", "her2_reported"]
    assert (row["age_years"], row["her2_ihc"], row["her2_ratio"]) == (60.0, "2+", 2.4)
    assert row[["her2_reported", "specimen_timing"]].isna().all()
    assert (row["specimen_id"], row["specimen_site"], row["specimen_day"]) == ("x", "primary", 3.0)


def test_specimens_of_other_patients_do_not_matter():
    other = {"patient_id": "z", "specimen_id": "q", "her2_ihc": "3+"}
    cohort = index_specimen(make([s("x", "0"), other]))
    assert cohort.n == 1
    assert len(cohort.to_pandas()) == 1
    assert noted([s("x", "0"), other]) == noted([s("x", "0")])


def test_findings_count_patients_by_rule():
    patients = [{"behaviour": "invasive"} for _ in "abcdefg"]
    patients[6] = {"her2_ihc": "0"}
    specimens = [
        s("a1", "0", specimen_site="primary", specimen_timing="before_treatment"),
        s("a2", "1+", specimen_site="primary", specimen_timing="before_treatment"),
        s("b1", "1+", patient_id="b", specimen_site="primary", specimen_timing="after_neoadjuvant"),
        s("b2", "1+", patient_id="b", specimen_site="regional", specimen_timing="before_treatment"),
        s("c1", "1+", patient_id="c", specimen_site="distant", specimen_timing="before_treatment"),
        s("d1", "3+", patient_id="d", specimen_invasive="no"),
        s("e1", patient_id="e"),
        s("g1", "1+", patient_id="g"),
    ]
    assert noted(specimens, patients) == {
        "several_specimens": 2,
        "specimens_disagree": 1,
        "only_in_situ": 1,
        "no_specimen": 1,
        "no_usable_specimen": 1,
        "only_after_neoadjuvant": 1,
        "not_from_primary": 1,
        "site_not_stated": 1,
        "timing_not_stated": 1,
        "own_evidence_replaced": 1,
        "own_evidence_differs": 1,
        "pre_treatment_elsewhere": 1,
    }


def test_findings_about_tumours_and_days():
    sized = [s("x", "0", tumour_id="1", tumour_size_mm=9.0), s("y", "0", tumour_id="2")]
    assert noted(sized)["tumour_size_unknown"] == 1
    tied = [s(t, "0", tumour_id=t, tumour_size_mm=9.0) for t in "xy"]
    assert noted(tied)["tumour_size_tied"] == 1
    assert "tumour_size_unknown" not in noted(tied)
    assert noted([s("x", "0", tumour_id="2")], [{"tumour_id": "1"}])["other_primary"] == 1
    assert (
        noted([s("x", "0"), s("y", "0", specimen_day=1.0)], policies={"E10": "last"})[
            "specimen_without_day"
        ]
        == 1
    )
    late = noted(
        [s("x", "0", specimen_day=5.0)],
        [{"metastasis_day": 4.0, "her2_ihc": "0"}],
        policies={"E10": "closest"},
        index_day="metastasis_day",
    )
    assert (late["none_in_time"], late["own_evidence_undated"]) == (1, 1)


def test_only_the_in_situ_part_is_said_in_the_patients_row():
    row = index_specimen(make([s("d", "3+", specimen_invasive="no")])).to_pandas().iloc[0]
    assert row["specimen_invasive"] == "no"
    assert row[["specimen_id", "her2_ihc"]].isna().all()


def test_receptors_of_the_index_specimen_fill_what_the_row_lacks():
    patients = [{"er_status": "negative", "pr_status": N}]
    both = [
        s("x", "1+", er_status="positive", pr_status="positive", grade="2"),
        s("y", "0", er_status="negative", pr_status="negative", grade="3"),
    ]
    row = index_specimen(make(both, patients)).to_pandas().iloc[0]
    assert (row["er_status"], row["pr_status"], row["grade"]) == ("negative", "positive", "2")


def test_choosing_again_replaces_what_was_noted():
    cohort = make([s("x", "0", specimen_day=1.0), s("y", "1+", specimen_day=2.0)])
    again = index_specimen(index_specimen(cohort), policies={"E10": "first"})
    assert [c.value for c in again.choices if c.stage == "specimens"] == ["first", "left_out"]
    rules = [f.rule for f in again.findings]
    assert len(rules) == len(set(rules))
    assert again.to_pandas()["specimen_id"].tolist() == ["x"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"policies": {"E10": "latest"}}, "'latest' is not a choice"),
        ({"policies": {"E10": "closest"}}, "needs the day"),
        ({"index_day": "metastasis_day"}, "has no use for it"),
        (
            {"policies": {"E10": "closest"}, "index_day": "metastases_day"},
            "Did you mean 'metastasis_day'?",
        ),
        ({"policies": {"E3": "keep"}}, "'keep' is not a choice"),
        ({"edition": 1999}, "1999"),
    ],
)
def test_wrong_choices_are_refused(options, said):
    cohort = make([s("x", "0")], [{"metastasis_day": 1.0}])
    with pytest.raises(SpecError) as error:
        index_specimen(cohort, **options)
    assert said in str(error.value)


EVERY = {
    "her2_ihc": st.sampled_from([N, "0", "1+", "2+", "3+"]),
    "her2_ish": st.sampled_from([N, "negative", "positive"]),
    "specimen_site": st.sampled_from([N, "primary", "regional", "distant"]),
    "specimen_timing": st.sampled_from([N, "before_treatment", "after_neoadjuvant", "recurrence"]),
    "specimen_invasive": st.sampled_from([N, "yes", "no"]),
    "tumour_id": st.sampled_from([N, "1", "2"]),
    "tumour_size_mm": st.sampled_from([N, 5.0, 20.0]),
    "specimen_day": st.sampled_from([N, 0.0, 100.0]),
    "specimen_id": st.sampled_from([N, "x", "y"]),
}
SPECIMEN, SPECIMEN_KEYS = st.fixed_dictionaries(EVERY), tuple(EVERY)
PATIENTS = st.lists(st.lists(SPECIMEN, min_size=1, max_size=5), min_size=20, max_size=40)
COLUMNS = ["patient_id", "her2_ihc", "her2_ish", "specimen_id"]


def many(lists, *, backward=False):
    """A cohort of a patient a list of specimens, rows in their order or backward."""
    rows = [{**x, "patient_id": place(i)} for i, specimens in enumerate(lists) for x in specimens]
    patients = [{"patient_id": place(i)} for i in range(len(lists))]
    return make(rows[::-1] if backward else rows, patients)


@settings(max_examples=5)
@given(PATIENTS, st.sampled_from(["item_3855", "first", "last", "ever_low"]))
def test_order_of_rows_does_not_matter(lists, choice):
    forward = index_specimen(many(lists), policies={"E10": choice})
    backward = index_specimen(many(lists, backward=True), policies={"E10": choice})
    assert forward.to_pandas().equals(backward.to_pandas())
    assert forward.findings == backward.findings


@settings(max_examples=5)
@given(PATIENTS)
def test_a_choice_depends_on_no_other_patient(lists):
    every = index_specimen(many(lists)).to_pandas()
    half = index_specimen(many(lists[: len(lists) // 2])).to_pandas()
    assert every.head(len(half)).equals(half)
    assert len(every) == len(lists)


@settings(max_examples=5)
@given(PATIENTS)
def test_in_situ_parts_never_add_evidence(lists):
    without = [[x for x in specimens if x["specimen_invasive"] != "no"] for specimens in lists]
    blank = dict.fromkeys(SPECIMEN_KEYS)
    kept = index_specimen(many(lists)).to_pandas()[COLUMNS]
    assert kept.equals(
        index_specimen(many([rows or [blank] for rows in without])).to_pandas()[COLUMNS]
    )


def test_the_cohort_handed_in_is_unchanged():
    cohort = make([s("x", "0")])
    before = cohort.columns
    index_specimen(cohort)
    assert cohort.columns == before
    assert replace(cohort).findings == ()
    assert isinstance(cohort.specimens, nw.LazyFrame)
