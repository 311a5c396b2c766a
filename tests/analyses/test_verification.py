"""Double programming: a second program agrees, and catches each number that is changed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from analyses import cumulative_incidence
from analyses.study.analyse import analyse
from analyses.study.setting import Setting
from analyses.study.specs.cox import CoxSpec
from analyses.study.specs.kaplan_meier import KaplanMeierSpec
from analyses.study.specs.logrank import LogRankSpec
from analyses.study.specs.rmst import RmstSpec
from analyses.study.times import TimesSpec
from analyses.verification import incidence
from analyses.verification.comparing import NUMBERS, compared
from analyses.verification.programs import quietly
from analyses.verification.verify import second_programs, verified

NEGATIVE = ["ihc_0_null", "ihc_0", "ihc_1", "ihc_2_ish_negative", "ihc_3", "ihc_2_ish_unknown"]


def patients(n=400, *, seed=1, late=True, ties=True):
    """Simulated patients in three groups with follow-up in months, some values missing."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 3, n)
    age = rng.normal(60, 12, n)
    hazard = np.exp(0.02 * (age - 60) - 0.3 * group) / 60
    died, left = rng.exponential(1 / hazard), rng.uniform(1, 140, n)
    time = np.minimum(died, left)
    time = np.ceil(time) if ties else time + 1
    frame = pd.DataFrame(
        {
            "os_time": time,
            "os_event": died <= left,
            "her2_status": pd.Categorical.from_codes(group, ["zero", "low", "positive"], True),
            "her2_detail": pd.Categorical.from_codes(rng.integers(0, 6, n), NEGATIVE, True),
            "grade": pd.Categorical.from_codes(rng.integers(-1, 3, n), ["1", "2", "3"], True),
            "age_years": age.round(1),
            "size": rng.gamma(2, 10, n).round(),
            "facility_id": rng.integers(0, 30, n).astype(str),
        }
    )
    if late:
        frame["os_entry"] = np.floor(time * rng.uniform(0, 0.99, n))
    return frame


def records_of(spec, frame):
    outcome = analyse(spec, {"os": frame}, {}, Setting("months", 1))
    assert outcome.analysis is not None, outcome.failures
    return outcome.records


def verify(spec, frame, records=None):
    return verified([(spec, frame)], records or records_of(spec, frame), "months")


def curves(**options):
    return KaplanMeierSpec(
        id="km", kind="kaplan_meier", endpoint="os",
        **{"by": "her2_status", "at": {"months": [12, 60, 200]}} | options,
    )  # fmt: skip


def ranks(**options):
    return LogRankSpec(
        id="lr", kind="logrank", endpoint="os", **{"by": "her2_status"} | options
    )  # fmt: skip


def means(**options):
    return RmstSpec(id="means", kind="rmst", endpoint="os", by="her2_status", **options)


def model(**options):
    terms = ["her2_status", {"name": "age_years", "per": 10}, "grade"]
    return CoxSpec(id="cox", kind="cox", endpoint="os", **{"terms": terms} | options)


CONF_TYPES = ("log-log", "log", "plain", "logit", "arcsine")
ASKED = {
    **{f"curves {kind}": curves(conf_type=kind) for kind in CONF_TYPES},
    "one curve": curves(by=None),
    "differences and survivors": curves(
        differences=True, reference="low", given={"months": [6, 24]}, conf_level=0.9
    ),
    "quantiles": curves(quantiles=[0.1, 0.25, 0.5], given={"months": [6]}),
    "log-rank": ranks(),
    "strata": ranks(strata=["grade"], pairs="bh", trend="linear", scores=[0, 1, 5]),
    "Fleming-Harrington": ranks(rho=0.5, pairs="bonferroni"),
    "late differences": ranks(rho=0.5, gamma=1, trend="linear"),
    "Gehan": ranks(test="gehan", trend="none"),
    "Tarone-Ware": ranks(test="tarone_ware"),
    "Peto": ranks(test="peto", max_combo=True, strata=["grade"]),
    "max-combo": ranks(max_combo=True),
    "restricted means": means(),
    "means up to a year": means(tau={"years": 1}, reference="positive", conf_level=0.9),
    "means in strata": means(tau={"months": 30}, strata=["grade"]),
    "model": model(),
    "Breslow": model(ties="breslow", conf_level=0.9),
    "model in strata": model(strata=["grade"], terms=["her2_status", "age_years"]),
    "clusters": model(cluster="facility_id"),
    "spline": model(terms=[{"name": "age_years", "spline": {"df": 4}}, "her2_status"]),
    "interactions": model(
        terms=[
            {"name": "her2_status", "reference": "low"},
            "grade",
            {"name": "age_years", "per": 10},
            {"interaction": ["her2_status", "grade"]},
            {"interaction": ["her2_status", "age_years"]},
        ]
    ),
}


@pytest.mark.parametrize("late", [False, True], ids=["from 0", "late entry"])
@pytest.mark.parametrize("name", ASKED)
def test_the_second_program_agrees_far_within_tolerance(name, late):
    found = verify(ASKED[name], patients(late=late))
    assert found.agrees, [(row.quantity, row.reason) for row in found.deviating]
    assert found.n_compared > 20
    found_rows = [row for row in found.rows if row.verdict == "agrees"]
    assert max(row.largest_relative / row.tolerance for row in found_rows) < 0.01


@pytest.mark.parametrize("late", [False, True], ids=["from 0", "late entry"])
@pytest.mark.parametrize(
    "name",
    [
        "differences and survivors",
        "log-rank",
        "max-combo",
        "model",
        "means in strata",
        "interactions",
    ],
)
def test_each_number_that_is_changed_is_caught(name, late):
    spec, frame = ASKED[name], patients(120, late=late)
    records = records_of(spec, frame)
    with quietly():
        seconds = list(second_programs()[spec.kind](spec, frame, "months"))
    checked = {each.record.id: each.without for each in seconds}
    tried = set()
    for place, record in enumerate(records):
        for number in NUMBERS:
            value = getattr(record, number)
            key = (record.analysis, record.quantity, number)
            if value is None or key in tried or number in checked.get(record.id, NUMBERS):
                continue
            tried.add(key)
            wrong = value + 1 if isinstance(value, int) else value + 1e-4 * max(abs(value), 1)
            changed = [*records]
            changed[place] = replace(record, **{number: wrong})
            rows = compared(changed, seconds)
            assert [row.record for row in rows if row.verdict == "deviates"] == [record.id], key
    assert len(tried) > 25


def test_a_number_that_only_one_program_has_is_caught():
    spec, frame = ranks(), patients()
    records = records_of(spec, frame)
    lost = [r for r in records if r.id != "lr/expected_events/low"]
    (row,) = verify(spec, frame, lost).deviating
    assert row.reason == "only the second program has lr/expected_events/low"
    unset = [replace(r, p_value=None) if r.id.startswith("lr/logrank") else r for r in records]
    (row,) = verify(spec, frame, unset).deviating
    assert row.reason.startswith("p_value of lr/logrank_test/her2_status is defined in one")
    assert (row.largest_relative, row.largest_absolute) == (None, None)


def test_what_no_library_has_is_a_row_with_its_reason():
    found = verify(model(cluster="facility_id"), patients())
    without = {row.quantity: row for row in found.rows if row.verdict == "none independent"}
    assert "clustered rows" in without["log_hazard_ratio"].reason
    assert without["log_hazard_ratio"].numbers.split(", ")[0] == "std_error"
    assert set(without) >= {"wald_test", "term_test", "concordance", "hazard_ratio"}
    extra = replace(records_of(model(), patients())[0], quantity="a_new_quantity")
    rows = verify(model(), patients(), [*records_of(model(), patients()), extra]).rows
    new = next(row for row in rows if row.quantity == "a_new_quantity")
    assert new.reason == "no second program makes this number"


def test_the_counts_of_the_trend_have_a_second_program():
    rows = verify(ranks(), patients()).rows
    counts = {row.quantity: row.program for row in rows if row.quantity.startswith("n_")}
    assert counts == dict.fromkeys(("n_ish_unknown", "n_outside"), "counts by pandas")


def test_a_level_without_events_leaves_the_fit_of_both_programs():
    frame = patients()
    frame.loc[frame["grade"] == "2", "os_event"] = False
    found = verify(model(), frame)
    assert found.agrees, [(row.quantity, row.reason) for row in found.deviating]
    ratio = next(row for row in found.rows if row.quantity == "log_hazard_ratio")
    assert ratio.n == 4 * 8 + 2 + 3 * 2  # four estimates, a level without one, three references


def test_records_tell_deviations_and_what_has_no_second_program():
    found = verify(model(), patients(late=False))
    records = {record.quantity: record for record in found.records()}
    assert records["numbers_compared"].n == found.n_compared
    assert records["numbers_without_second_program"].n == found.n_without
    assert records["no_second_program"].reason == "no library has the standard error of concordance"
    row = next(row for row in found.rows if row.quantity == "aic")
    record = next(r for r in row.records() if r.quantity == "largest_relative_deviation")
    assert (record.term, record.estimate, record.status) == ("aic", row.largest_relative, "ok")
    assert record in found.records()
    assert found.to_dict()["agrees"] is True


@pytest.mark.parametrize("by", [None, "her2_status"])
@pytest.mark.parametrize("conf_type", CONF_TYPES)
@pytest.mark.parametrize("late", [False, True], ids=["from 0", "late entry"])
def test_cumulative_incidence_agrees_and_what_no_library_has_is_told(late, conf_type, by):
    frame = with_states(patients(late=late))
    times = (3.0, 12.0, 60.0, 200.0)
    options = {"by": by, "conf_type": conf_type}
    result = cumulative_incidence(
        frame, time="os_time", state="os_state", entry="os_entry" if late else None, **options
    )
    spec = SimpleNamespace(
        id="ci", endpoint="os", at=TimesSpec(months=times), conf_level=0.95, reference=None,
        **options,
    )  # fmt: skip
    with quietly():
        seconds = list(incidence.recomputed(spec, frame, "months"))
    records = result.records("ci", "months", times)
    rows = compared(records, seconds)
    assert [row for row in rows if row.verdict == "deviates"] == []
    assert max(row.largest_relative for row in rows if row.program) < 1e-11
    without = {row.reason for row in rows if not row.program}
    late_said = {"no library has the error of cumulative incidence with delayed entry"}
    assert without == (late_said if late else set())
    spoilt = [replace(r, estimate=r.estimate + 1e-6) if r.estimate else r for r in records]
    assert {row.quantity for row in compared(spoilt, seconds) if row.verdict == "deviates"} >= {
        "event_free", "cumulative_incidence",
    }  # fmt: skip


def with_states(frame):
    rng = np.random.default_rng(5)
    code = np.where(frame["os_event"], 1 + (rng.random(len(frame)) < 0.4), 0)
    code[:3] = -1
    states = pd.Categorical.from_codes(code, ["censored", "event", "competing"], True)
    return frame.assign(os_state=states)


def test_an_option_that_the_second_program_does_not_know_is_told_and_nothing_is_compared():
    class Newer(CoxSpec):
        new_option: str | None = None

    frame = patients()
    newer = Newer(**dict(model()) | {"new_option": "some"})
    (row,) = verify(newer, frame, records_of(model(), frame)).rows
    assert (row.verdict, row.reason) == ("none independent", "no second program takes new option")
    (row,) = verify(model(penalty="firth"), frame).rows
    assert (row.verdict, row.reason) == ("none independent", "no library has Firth's penalty")
    assert verify(Newer(**dict(model())), frame, records_of(model(), frame)).n_compared > 100


def test_a_fit_that_does_not_exist_is_told_by_its_reason():
    frame = patients(late=False)
    frame["os_event"] &= frame["grade"] != "1"  # no event at the reference level
    found = verify(model(univariable=False), frame)
    assert found.agrees
    ratio = next(r for r in found.rows if r.quantity == "aic")
    assert ratio.reason.startswith("some coefficient has no finite estimate")


def test_no_warning_of_a_library_is_seen_even_when_it_is_imported_first():
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); "
        "import test_verification as t; "
        "frame = t.patients(late=False); frame['os_event'] &= frame['grade'] != '1'; "
        "asked = t.model(univariable=False); records = t.records_of(asked, frame); "
        "assert 'statsmodels' not in sys.modules; print(t.verify(asked, frame, records).agrees)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (told.stdout.strip(), told.stderr) == ("True", "")


def test_what_the_first_program_refuses_is_no_deviation():
    frame = patients(60)
    few = frame[frame["her2_status"] != "low"]
    spec = ranks(trend="linear", scores=[0, 1, 5])
    for asked, rows in (
        (spec, few),  # three scores, two groups
        (ranks(), frame.assign(her2_detail=frame["her2_detail"].where(lambda d: d == "ihc_1"))),
        (curves(differences=True, reference="low"), few),
    ):
        rows = rows.assign(her2_status=rows["her2_status"].cat.remove_unused_categories())
        records = records_of(asked, rows)
        assert any(record.status == "failed" for record in records)
        assert verify(asked, rows, records).agrees


def test_no_pair_of_patients_is_no_concordance_in_both_programs():
    frame = patients(40, late=False).assign(os_time=5.0)
    found = verify(model(terms=["her2_status"], univariable=False), frame)
    assert found.agrees, [row.reason for row in found.deviating]


@pytest.mark.parametrize("options", [{"max_combo": True}, {"gamma": 1.0}, {"test": "peto"}])
def test_a_follow_up_of_0_does_not_end_the_check_of_weighted_tests(options):
    frame = patients(late=False)
    frame.loc[0, "os_time"] = 0.0
    frame["her2_status"] = frame["her2_status"].cat.remove_categories("positive")
    found = verify(ranks(**options), frame)
    assert found.agrees
    assert not [row for row in found.rows if "failed" in row.reason]


def test_a_second_program_that_fails_is_a_row_and_no_traceback(monkeypatch):
    import lifelines.statistics as library

    monkeypatch.setattr(library, "np", None)  # what the library itself needs
    found = verify(ranks(gamma=1.0), patients(late=False))
    row = next(row for row in found.rows if row.quantity == "logrank_test")
    assert row.verdict == "none independent"
    assert row.reason.startswith("the independent program failed (lifelines ")
    assert "multivariate_logrank_test: AttributeError" in row.reason
    rows = next(row for row in found.rows if row.quantity == "rows")
    assert rows.verdict == "agrees"
