"""The same model up to approvals: by hand, against rows cut here, and where dates are missing."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analyses import cox, load_study, run_study
from analyses.adjustment.treatment_eras import treatment_eras
from analyses.results.treatment_eras import TreatmentErasAnalysis
from cohort.errors import AnalysisError
from cohort.treatment_eras import TREATMENT_ERAS

SAMPLE = Path(__file__).resolve().parent.parent.parent / "sample_data"
ASKED = {"time": "time", "event": "event", "terms": ["low"], "began": "began", "per_day": 1.0}


def _six():
    """Follow-up up to 2022-08-05: patients begin 10 days before, and one begins a day after.

    Their times of 4, 10, 12+, 15 and 20 days end at 4, 10, 10+, 10+ and 10+: two events of four
    are later. The sixth is not in the model; the seventh has no date.
    """
    return pd.DataFrame(
        {
            "began": ["2022-07-26"] * 5 + ["2022-08-06", None],
            "time": [4.0, 10, 12, 15, 20, 3, 5],
            "event": [1, 1, 0, 1, 1, 1, 1],
            "low": [1, 0, 1, 0, 1, 0, 1],
        }
    )


def test_follow_up_ends_at_the_date_by_hand():
    found = treatment_eras(_six(), **ASKED, until={"low": date(2022, 8, 5)})
    whole, era = found.models
    assert (whole.n, whole.n_event, whole.n_cut, whole.n_left_out) == (6, 5, 0, 0)
    assert (era.n, era.n_event, era.n_left_out) == (5, 2, 1)
    assert (era.n_cut, era.n_event_cut) == (3, 2)
    assert found.n_missing == (("began", 1),)
    # At 4 a low dies among three low and two others, at 10 another among two and two. With r the
    # hazard ratio the score is zero where 1 = 3r/(3r+2) + 2r/(2r+2), that is 6r^2 = 4.
    assert np.exp(era.model.coefficients[0].estimate) == pytest.approx(np.sqrt(2 / 3))


def _many(n=600):
    draw = np.random.default_rng(5)
    began = np.datetime64("2019-01-01") + draw.integers(0, 1500, n).astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "began": began,
            "time": np.ceil(draw.exponential(700, n)),
            "event": draw.random(n) < 0.7,
            "low": draw.integers(0, 2, n),
            "age": draw.normal(60, 10, n),
        }
    )


def test_each_model_is_that_of_rows_cut_beforehand():
    data = _many()
    until = {era.id: era.until for era in TREATMENT_ERAS}
    asked = {**ASKED, "terms": ["low", "age"]}
    found = treatment_eras(data, **asked, until=until)
    assert [era.era for era in found.models] == ["all", "her2_low", "her2_ultralow"]
    for era in found.models[1:]:
        left = (np.datetime64(era.until) - data["began"]).dt.days
        late = data["time"] > left
        cut = data.assign(time=np.minimum(data["time"], left), event=data["event"] & ~late)
        own = cox(cut[left >= 0], time="time", event="event", terms=["low", "age"])
        assert era.model.coefficients[0].estimate == own.coefficients[0].estimate
        assert era.n_event_cut == int((late & data["event"] & (left >= 0)).sum())


def test_months_are_counted_as_everywhere():
    data = _many()
    months = data.assign(time=data["time"] * 12 / 365.25)
    until = {"low": date(2022, 8, 5)}
    one = treatment_eras(data, **ASKED, until=until)
    other = treatment_eras(months, **{**ASKED, "per_day": 12 / 365.25}, until=until)
    for a, b in zip(one.models, other.models, strict=True):
        assert (a.n_cut, a.n_event_cut) == (b.n_cut, b.n_event_cut)
        coefficients = (m.model.coefficients[0].estimate for m in (a, b))
        assert next(coefficients) == pytest.approx(next(coefficients), rel=1e-10)


def test_a_date_past_all_follow_up_changes_nothing_and_is_said():
    found = treatment_eras(_six(), **ASKED, until={"far": date(2030, 1, 1)})
    whole, era = found.models
    assert whole.model.coefficients[0].estimate == era.model.coefficients[0].estimate
    assert "era_not_reached" in {finding.rule for finding in found.findings}


def test_an_era_without_events_has_its_reason_and_the_others_stand():
    found = treatment_eras(_six(), **ASKED, until={"early": date(2022, 7, 28)})
    whole, era = found.models
    assert era.model is None
    assert "event" in era.reason
    assert whole.model is not None
    (failure,) = found.failures("eras")
    assert failure.group == "early"


def test_what_is_no_date_is_refused():
    with pytest.raises(AnalysisError, match="not all dates"):
        treatment_eras(_six().assign(began="August"), **ASKED, until={"low": date(2022, 8, 5)})


def test_the_approvals_are_marked_as_from_memory():
    assert [(era.id, era.until.isoformat()) for era in TREATMENT_ERAS] == [
        ("her2_low", "2022-08-05"),
        ("her2_ultralow", "2025-01-27"),
    ]
    assert not any(era.is_checked for era in TREATMENT_ERAS)


def test_a_source_without_dates_gets_a_printed_limitation(tmp_path):
    (tmp_path / "registry.csv").write_bytes((SAMPLE / "registry.csv").read_bytes())
    study = {
        "version": 1,
        "title": "Eras",
        "source": {"name": "ncdb_puf", "files": {"main": "registry.csv"}},
        "endpoints": [{"id": "os", "kind": "OS"}],
        "select": [
            {"id": "staged", "column": "stage", "one_of": ["I", "II", "III"], "reason": "I to III"}
        ],
        "analyses": [
            {"id": "eras", "kind": "treatment_eras", "endpoint": "os", "terms": ["her2_status"]}
        ],
        "seed": 1,
    }
    path = tmp_path / "study.yaml"
    path.write_text(json.dumps(study), encoding="utf-8")
    found = run_study(load_study(path), out=tmp_path / "out")
    (made,) = found.analyses
    assert isinstance(made, TreatmentErasAnalysis)
    assert made.result is None
    assert "gives no date of diagnosis" in made.limitation
    assert "from memory" in made.limitation
    assert found.exit_code == 0
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "follow-up cannot be censored at 2022-08-05" in page
