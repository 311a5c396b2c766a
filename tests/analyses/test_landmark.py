"""Landmark analysis: against R on the same rows, by hand, and who is counted where."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from immortal_cases import expected, expected_error, patients

from analyses.adjustment.landmark import landmark
from cohort.errors import AnalysisError

TERMS = ["age", {"name": "grade", "levels": ["1", "2", "3"]}]
COLUMNS = {"time": "time", "event": "event", "treatment": "treated", "start": "start"}
HER2 = ["zero", "low", "positive"]


def test_model_and_curves_are_those_of_r_on_the_rows_past_the_landmark():
    found = landmark(patients(), **COLUMNS, at=120, terms=TERMS)
    names = {"treated": "on", "age": "age"}
    for row in found.model.coefficients:
        if row.is_reference:
            continue
        term = names.get(row.term, f"grade{row.level}")
        assert row.estimate == pytest.approx(expected("landmark", term), rel=1e-8)
        assert row.std_error == pytest.approx(expected_error("landmark", term), rel=1e-8)
    for row in found.curves.at([200, 600]).itertuples():
        term = f"on={int(row.group == 'yes')} {row.time:g}"
        assert row.estimate == pytest.approx(expected("landmark_survival", term), rel=1e-10)
        assert row.std_error == pytest.approx(expected_error("landmark_survival", term), rel=1e-10)
    (everyone,) = found.groups
    assert everyone.n_reached == found.n == expected("landmark_n")
    assert everyone.n_treated == expected("landmark_treated")
    assert everyone.n_event_before == expected("landmark_event_before")
    assert everyone.n_censored_before == expected("landmark_censored_before")


def test_the_naive_effect_is_r_s_of_ever_treated_and_stands_beside_marked_as_not_valid():
    found = landmark(patients(), **COLUMNS, at=120, terms=TERMS)
    assert found.naive.estimate == pytest.approx(expected("naive", "treated"), rel=1e-8)
    assert not found.naive.is_valid
    assert found.effect.is_valid
    assert found.naive.estimate < found.effect.estimate - 1
    assert landmark(patients(), **COLUMNS, at=120, terms=TERMS, naive=False).naive is None


def _ten():
    """Landmark 3. By it: one event (at 3, on the day itself), one last seen; one dead at 2.

    Past it are seven: treated by 3 (starts 0, -1, 3), untreated (never; start 5, while followed;
    start 9, after the end of follow-up; never).
    """
    rows = [
        ("zero", 3, 1, 1.0), ("zero", 2, 0, None), ("low", 2, 1, None),
        ("zero", 4, 1, 0.0), ("low", 8, 1, -1.0), ("low", 9, 0, 3.0),
        ("zero", 5, 1, None), ("low", 7, 1, 5.0), ("low", 6, 0, 9.0), ("zero", 10, 0, None),
    ]  # fmt: skip
    made = pd.DataFrame(rows, columns=["her2", "time", "event", "start"])
    made["her2"] = pd.Categorical(made["her2"], categories=HER2, ordered=True)
    return made.assign(treated=made["start"].notna())


def test_survival_from_the_landmark_by_hand():
    """Treated: 4, 8, 9+ count 1, 5, 6+ from the landmark: S = 2/3 at 1, 1/3 at 5.

    Untreated: 5, 7, 6+, 10+ count 2, 4, 3+, 7+: S = 3/4 at 2, 3/4 * 1/2 = 3/8 at 4. Log hazard
    ratio b of treated: events at 1 (3 treated, 4 not), 2 (2, 4), 4 (2, 2), 5 (2, 1); the score
    is zero where 2 = 3r/(3r+4) + 2r/(2r+4) + 2r/(2r+2) + 2r/(2r+1), at r = 0.8607...
    """
    found = landmark(_ten(), **COLUMNS, at=3, by="her2")
    at = found.curves.at([1, 2, 4, 5]).set_index(["group", "time"])["estimate"]
    assert [at["yes", t] for t in (1, 5)] == pytest.approx([2 / 3, 1 / 3])
    assert [at["no", t] for t in (2, 4)] == pytest.approx([3 / 4, 3 / 8])
    r = math.exp(found.effect.estimate)
    shares = 3 * r / (3 * r + 4) + 2 * r / (2 * r + 4) + 2 * r / (2 * r + 2) + 2 * r / (2 * r + 1)
    assert shares == pytest.approx(2, abs=1e-9)


def test_patients_lost_before_the_landmark_are_counted_by_group_and_reason():
    found = landmark(_ten(), **COLUMNS, at=3, by="her2")
    zero, low = found.groups
    assert (zero.group, zero.n, zero.n_event_before, zero.n_censored_before) == ("zero", 5, 1, 1)
    assert (low.group, low.n, low.n_event_before, low.n_censored_before) == ("low", 5, 1, 0)
    assert (zero.n_treated, zero.n_untreated, zero.n_treated_later) == (1, 2, 0)
    # The start at 9 lies after the end of follow-up at 6: not treated while followed.
    assert (low.n_treated, low.n_untreated, low.n_treated_later) == (2, 2, 1)
    events, censored = found.steps
    assert (events.n_before, events.n_removed, events.n_after) == (10, 2, 8)
    assert (censored.n_before, censored.n_removed, censored.n_after) == (8, 1, 7)
    assert events.removed_by_group == (("zero", 1), ("low", 1))
    assert censored.after_by_group == (("zero", 3), ("low", 4))
    rules = {finding.rule for finding in found.findings}
    assert "start_after_end" in rules


def test_a_group_emptied_by_the_landmark_is_named_and_the_others_stand():
    data = _ten()
    data.loc[[1, 2], "her2"] = "positive"
    found = landmark(data, **COLUMNS, at=3, by="her2")
    assert found.emptied == ("positive",)
    (finding,) = (f for f in found.findings if f.rule == "emptied_by_landmark")
    assert (finding.value, finding.n) == ("positive", 2)
    assert "1 had the event and 1 were last seen before" in finding.advice
    assert found.n == 7


def test_labels_that_repeat_are_no_patients():
    data = patients()
    found = landmark(data.set_axis([0] * len(data)), **COLUMNS, at=120, terms=TERMS)
    assert found.effect == landmark(data, **COLUMNS, at=120, terms=TERMS).effect


def test_late_entry_moves_with_the_landmark():
    data = _ten().assign(entry=[0, 0, 0, 1, 5, 0, 0, 0, 4, 0])
    found = landmark(data, **COLUMNS, entry="entry", at=3)
    treated = found.curves.curves[1]
    # Entered at 5: from 2 after the landmark on, so that of three treated two are there at 1.
    assert treated.at_risk(np.array([1.0, 5.0])).tolist() == [2, 2]
    assert found.n == 7


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (50, "nobody is followed past it"),
        (9.5, "'treated' had started by it in none of 1 patients"),
        (0, "landmark: at: 0"),
        (math.inf, "landmark: at: inf"),
    ],
)
def test_a_landmark_that_leaves_no_comparison_is_refused(at, said):
    with pytest.raises(AnalysisError, match=said):
        landmark(_ten(), **COLUMNS, at=at)


def test_unknown_and_contradicted_starts_are_refused_or_left_out_and_counted():
    data = _ten()
    data.loc[5, "start"] = None
    data.loc[9, "start"] = 4.0
    data["treated"] = _ten()["treated"]
    with pytest.raises(AnalysisError) as error:
        landmark(data, **COLUMNS, at=3)
    assert [p.found.split(" patients")[0] for p in error.value.problems] == ["1", "1"]
    found = landmark(data, **COLUMNS, at=3, unknown_start="leave_out")
    assert found.steps[0].id == "unknown_start"
    assert (found.steps[0].n_before, found.steps[0].n_removed) == (10, 2)
    assert found.n == 5
    rules = {finding.rule: finding.n for finding in found.findings}
    assert rules["unknown_start"] == rules["start_without_treatment"] == 1


def test_a_source_that_tells_of_treated_patients_only_is_refused():
    data = _ten()
    data["treated"] = data["treated"].astype(object).where(data["treated"], None)
    with pytest.raises(AnalysisError, match=r"all 6 patients with a value were treated .* in 4"):
        landmark(data, **COLUMNS, at=3)


def test_a_treatment_that_is_neither_yes_nor_no_is_refused():
    data = _ten().assign(treated="maybe")
    with pytest.raises(AnalysisError, match="neither yes nor no: maybe"):
        landmark(data, **COLUMNS, at=3)


def test_records_hold_counts_curves_and_both_effects():
    found = landmark(_ten(), **COLUMNS, at=3, by="her2")
    records = {record.id: record for record in found.records("lm", "days", [2])}
    assert records["lm/landmark_n_treated_later/low"].n == 1
    assert records["lm/effect_log_hazard_ratio/treated/yes/no"].estimate == found.effect.estimate
    assert records["lm/naive_effect_hazard_ratio/treated/yes/no"].estimate is not None
    assert records["lm.curves/survival/no/t=2"].estimate == pytest.approx(3 / 4)
