"""The sensitivity grid of a study: every choice with every other, what they share computed once."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import analyses
from analyses.plots.specification_curve import plot_specification_curve
from analyses.results.robust import Estimate
from analyses.results.specification_curve import Axis, Specification, SpecificationCurve
from analyses.study.check import check_study
from analyses.study.grid.crossing import crossing
from analyses.study.spec import Study
from cohort.errors import SpecError
from cohort.her2_policies import policies

PROJECT = Path(__file__).resolve().parent.parent.parent
TERMS = [{"name": "her2_status", "reference": "zero"}, {"name": "age_years", "per": 10}, "stage"]
STAGED = {"id": "staged", "column": "stage", "one_of": ["I", "II", "III"], "reason": "Stage"}
GRID = {
    "of": "model",
    "policies": [{"E1": "low"}],
    "adjustment": {"unadjusted": []},
    "years": [[2014, None]],
    "subsets": [
        {"id": "hr", "column": "hr_status", "equals": "negative", "reason": "Hormone-negative"}
    ],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    target = tmp_path_factory.mktemp("grid")
    shutil.copy(PROJECT / "sample_data" / "registry.csv", target / "registry.csv")
    return target


def study(folder, sensitivity=None, **changes):
    base = {
        "version": 1,
        "title": "Grid",
        "source": {"name": "ncdb_puf", "files": {"main": "registry.csv"}},
        "endpoints": [
            {"id": "os", "kind": "OS"},
            {"id": "five", "kind": "OS", "censor_at": {"years": 5}},
        ],
        "select": [STAGED],
        "analyses": [
            {"id": "model", "kind": "cox", "endpoint": "os", "terms": TERMS, "univariable": False,
             "proportionality": "none"}
        ],
    }  # fmt: skip
    if sensitivity is not None:
        base["sensitivity"] = sensitivity
    return Study.from_dict(base | changes, folder=folder)


@pytest.fixture(scope="module")
def result(folder):
    return analyses.run_study(study(folder, GRID))


def curve_of(result) -> SpecificationCurve:
    return result.analyses[-1].result


def model_in(folder, **changes):
    result = analyses.run_study(study(folder, **changes))
    c = next(c for c in result.analyses[0].adjusted.coefficients if c.level == "low")
    return result.analyses[0].adjusted, c


def test_every_combination_is_there_once_the_main_one_first(result):
    curve = curve_of(result)
    assert len(curve.specifications) == 2 * 2 * 2 * 2
    assert len({one.choices for one in curve.specifications}) == 16
    assert curve.main.is_main
    assert curve.main.same_patients
    assert curve.main.estimate is not None
    model = result.analyses[0].adjusted
    c = next(c for c in model.coefficients if c.level == "low")
    assert curve.main.estimate.estimate == pytest.approx(c.estimate, rel=1e-12)
    assert (curve.main.n, curve.main.n_event) == (model.n, model.n_event)
    assert (curve.reference, curve.level) == ("zero", "low")


@pytest.mark.parametrize(
    ("said", "changes"),
    [
        (("E1 low", "As in the main model", "All", "All"), {"her2": {"policies": {"E1": "low"}}}),
        (
            ("E1 low", "Unadjusted", "2014 or later", "Hormone-negative"),
            {
                "her2": {"policies": {"E1": "low"}},
                "select": [
                    STAGED,
                    {"id": "y", "column": "diagnosis_year", "between": [2014, None], "reason": "Y"},
                    GRID["subsets"][0],
                ],
                "analyses": [
                    {"id": "model", "kind": "cox", "endpoint": "os", "terms": TERMS[:1],
                     "univariable": False, "proportionality": "none"}
                ],
            },
        ),
    ],
)  # fmt: skip
def test_a_specification_is_what_a_study_that_states_it_gives(folder, result, said, changes):
    curve = curve_of(result)
    shown = [k for k, axis in enumerate(curve.axes) if len(axis.choices) > 1]
    (own,) = [
        one for one in curve.specifications if tuple(curve.said(one)[k] for k in shown) == said
    ]
    model, c = model_in(folder, **changes)
    assert own.estimate is not None
    assert own.estimate.estimate == pytest.approx(c.estimate, rel=1e-9)
    assert own.estimate.std_error == pytest.approx(c.std_error, rel=1e-9)
    assert (own.n, own.n_event) == (model.n, model.n_event)
    base = next(b for b in model.coefficients if b.is_reference and b.term == "her2_status")
    assert (own.estimate.n, own.estimate.n_event) == (c.n + base.n, c.n_event + base.n_event)


def test_what_specifications_share_is_computed_once(result):
    done = dict(curve_of(result).computed)
    # The study's own patients and those of one other edge case, each in one endpoint.
    assert done == {
        "harmonise": 1, "endpoints": 2, "classify": 2, "select": 2, "patients": 1, "model": 16,
    }  # fmt: skip


def test_patients_that_an_edge_case_does_not_touch_are_fitted_once(folder):
    # No patient has a multigene assay as evidence: E13 changes nobody.
    again = {"of": "model", "policies": [{"E13": "positive_accepted"}], "endpoints": ["five"]}
    curve = curve_of(analyses.run_study(study(folder, again)))
    assert dict(curve.computed)["model"] == 2
    # The same patients in the same groups, followed to another endpoint.
    assert [one.same_patients for one in curve.specifications] == [True] * 4
    own, five, *_ = curve.specifications
    assert own.n_event > five.n_event


def test_a_specification_that_fails_is_counted_with_its_reason(folder):
    grid = {"of": "model", "policies": [{"E10": "closest"}], "years": [[2030, None]]}
    result = analyses.run_study(study(folder, grid))
    curve = curve_of(result)
    assert [one.estimate is None for one in curve.specifications] == [False, True, True, True]
    reasons = dict(curve.failed_by_reason)
    assert sum(reasons.values()) == 3
    assert any("needs the day" in reason for reason in reasons)
    (failure,) = result.failures
    assert failure.analysis == "sensitivity"
    assert "3 of 4 specifications have no estimate" in failure.reason
    assert result.exit_code == 5
    told = {r.group: r.n for r in result.records if r.quantity == "specifications_failed_by_reason"}
    assert told == reasons
    statuses = [
        r.status for r in result.records if r.id.startswith("sensitivity/hazard_ratio/spec")
    ]
    assert statuses == ["ok", *["not_estimable"] * 3]


def test_patients_left_out_for_missing_values_are_not_the_same(folder):
    """Other terms leave other patients: the digest was of those before any was left out."""
    unadjusted = {"of": "model", "adjustment": {"unadjusted": []}}
    main, other = curve_of(analyses.run_study(study(folder, unadjusted))).specifications
    assert main.n < other.n
    assert (main.same_patients, other.same_patients) == (True, False)


def test_what_could_be_detected_rests_on_the_patients_of_the_model(folder):
    """Those without a stratum or a cluster are in no model, and were counted."""
    own = {"id": "model", "kind": "cox", "endpoint": "os", "terms": TERMS[:1], "univariable": False,
           "proportionality": "none", "strata": ["grade"], "cluster": "facility_id"}  # fmt: skip
    result = analyses.run_study(study(folder, {"of": "model"}, analyses=[own]))
    found, model = curve_of(result).detectable, result.analyses[0].adjusted
    sizes = {c.level: c.n for c in model.coefficients}
    assert (found.n, found.n_reference) == (sizes["low"], sizes["zero"])


@pytest.mark.parametrize("change", [{"weights": "tumour_size_mm"}, {"penalty": "firth"}])
def test_a_model_that_imputation_does_not_go_with_is_not_imputed_in_a_grid(folder, change):
    own = {"id": "model", "kind": "cox", "endpoint": "os", "terms": TERMS, **change}
    found = check_study(study(folder, {"of": "model", "missing": ["impute"]}, analyses=[own]))
    assert f"impute, and the model 'model' has {next(iter(change))}" in [p.found for p in found]


def test_weights_of_the_main_model_are_in_every_specification(folder):
    own = {"id": "model", "kind": "cox", "endpoint": "os", "terms": TERMS, "univariable": False,
           "proportionality": "none", "weights": "tumour_size_mm"}  # fmt: skip
    grid = {"of": "model", "adjustment": {"unadjusted": []}}
    result = analyses.run_study(study(folder, grid, analyses=[own]))
    curve = curve_of(result)
    c = next(c for c in result.analyses[0].adjusted.coefficients if c.level == "low")
    assert curve.main.estimate is not None
    assert curve.main.estimate.estimate == pytest.approx(c.estimate, rel=1e-9)
    assert curve.main.estimate.std_error == pytest.approx(c.std_error, rel=1e-9)
    assert curve.detectable is None


def test_each_alternative_of_each_edge_case_is_a_choice(folder):
    asked = study(folder, {"of": "model", "policies": "each"})
    n = sum(len(choices) - 1 for choices in policies().values())
    assert crossing(asked, asked.sensitivity).n == 1 + n


def test_too_many_specifications_are_refused_with_their_number(folder):
    found = check_study(study(folder, GRID | {"limit": 15}))
    assert [p.found for p in found] == [
        "16 specifications (policies 2 x adjustment 2 x years 2 x subsets 2), and the limit is 15"
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"of": "modle"}, "Did you mean 'model'?"),
        ({"endpoints": ["oss"]}, "is not an endpoint"),
        ({"policies": [{"E99": "low"}]}, "is not an edge case"),
        ({"contrast": {"term": "grade"}}, "is no term of the model"),
        ({"adjustment": {"x": ["gradee"]}}, "is not a cohort column"),
        ({"adjustment": {"x": [{"name": "grade", "reference": "9"}]}}, "is not a level"),
    ],
)
def test_what_a_grid_cannot_be_is_said_before_it_runs(folder, change, said):
    found = check_study(study(folder, {"of": "model"} | change))
    assert any(said in f"{p.found} {p.advice}" for p in found), found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"adjustment": {"x": ["her2_status"]}}, "'her2_status' in the set 'x'"),
        ({"years": [[2015, 2010]]}, "2015 is after 2010"),
        ({"years": [[None, None]]}, "no restriction"),
        ({"missing": ["mean"]}, "complete_case"),
        ({"editions": [2020]}, "2018"),
    ],
)
def test_a_wrong_key_of_the_block_names_its_place(folder, change, said):
    with pytest.raises(SpecError, match="sensitivity") as error:
        study(folder, {"of": "model"} | change)
    assert said in str(error.value)


def by_hand() -> SpecificationCurve:
    """Four specifications: 0.5 (0.3 to 0.8), 0.9 (0.7 to 1.2), 1.1 (0.9 to 1.4), and none."""

    def one(choices, ratio=None, low=None, high=None):
        if ratio is None:
            return Specification(choices, None, 10, 0, False, "no event")
        values = (math.log(ratio), 0.1, math.log(low), math.log(high))
        return Specification(choices, Estimate(*values, n=80, n_event=20), 100, 30, False)

    axes = (
        Axis("policies", "HER2 edge cases", ("own", "E1 low")),
        Axis("years", "Years", ("All", "late")),
    )
    found = (
        one((0, 0), 0.9, 0.7, 1.2),
        one((0, 1), 0.5, 0.3, 0.8),
        one((1, 0), 1.1, 0.9, 1.4),
        one((1, 1)),
    )
    return SpecificationCurve(
        "model", "her2_status", "low", "zero", axes, found, (("model", 4),), None, 0.95
    )


def test_agreement_by_hand():
    curve = by_hand()
    # The main one is 0.9 and inconclusive: 0.5 lies on its side of 1, 1.1 has its conclusion.
    assert curve.n_same_side == 2
    assert curve.n_same_conclusion == 2
    assert dict(curve.by_conclusion) == {"lower": 1, "inconclusive": 2, "higher": 0}
    assert [round(math.exp(s.estimate.estimate), 3) for s in curve.estimated] == [0.5, 0.9, 1.1]
    late = next(c for c in curve.by_choice if c.choice == "late")
    assert (late.n, late.n_failed) == (2, 1)
    assert late.median == pytest.approx(0.5)
    own = next(c for c in curve.by_choice if c.choice == "own")
    # The median of two ratios is taken of their logarithms: sqrt(0.5 x 0.9).
    assert own.median == pytest.approx(math.sqrt(0.45))


def test_the_curve_is_drawn_by_size_with_the_choices_beneath():
    drawn = plot_specification_curve(by_hand())
    assert [one.choices for one in drawn.shown] == [(0, 1), (0, 0), (1, 0), (1, 1)]
    marks = dict(drawn.marks)
    assert list(marks["lower"].get_ydata()) == pytest.approx([0.5])
    assert list(marks["inconclusive"].get_ydata()) == pytest.approx([0.9, 1.1])
    assert drawn.main is not None
    assert drawn.main.get_xdata()[0] == 2
    dots = {(axis, choice): list(line.get_xdata()) for axis, choice, line in drawn.dots}
    crossed = float(drawn.crosses.get_xdata()[0])
    assert dots["policies", "own"] == [1, 2]
    assert dots["policies", "E1 low"] == [3, crossed]
    assert dots["years", "late"] == [1, crossed]
    assert crossed > 4
    assert "without an estimate 1" in drawn.alt


def test_limits_beyond_the_axis_end_in_arrows():
    assert plot_specification_curve(by_hand()).arrows == ()
    curve = by_hand()
    first, *others = curve.specifications
    wide = replace(first.estimate, conf_low=math.log(0.001), conf_high=math.log(900))
    curve = replace(curve, specifications=(replace(first, estimate=wide), *others))
    drawn = plot_specification_curve(curve)
    low, high = drawn.axes.get_ylim()
    assert low > 0.001
    assert high < 900
    assert [(list(a.get_xdata()), a.get_ydata()[0]) for a in drawn.arrows] == [
        ([2], pytest.approx(low)),
        ([2], pytest.approx(high)),
    ]
    assert any("Limits beyond the axis" in text.get_text() for text in drawn.names)
    assert "limits beyond the axis 1" in drawn.alt


def test_the_report_says_how_much_hangs_on_the_choices(result, tmp_path):
    import pypdf

    analyses.write_report(result, tmp_path / "out")
    pages = pypdf.PdfReader(tmp_path / "out" / "report.pdf").pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    assert "16 specifications" in text
    assert "16 of 16 lie on the same side" in text or "of 16 lie on the same side" in text
    rows = (tmp_path / "out" / "tables" / "sensitivity_numbers.csv").read_text().splitlines()
    assert len(rows) == 17
    assert (tmp_path / "out" / "figures" / "sensitivity.svg").is_file()
