"""Patients whose HER2 was known only by living longer, endpoint by endpoint, by hand."""

from __future__ import annotations

import pytest

from cohort.endpoints import add_endpoints
from cohort.endpoints_definition import EndpointDefinition
from cohort.exposure import late_exposure, with_timely_her2

# timing, site and day of the index specimen; surgery on day 200, chemotherapy on day 20.
SPECIMENS = [
    ("before_treatment", "primary", 0.0),
    ("recurrence", "distant", 900.0),
    ("recurrence", "distant", 200.0),
    ("recurrence", "distant", None),
    ("after_neoadjuvant", "primary", 200.0),
    ("after_neoadjuvant", "primary", 210.0),
    ("after_neoadjuvant", "primary", None),
    (None, "primary", 300.0),
    (None, "distant", 500.0),
    (None, "distant", None),
    (None, "primary", None),
]


@pytest.fixture
def patients(make_cohort):
    n = len(SPECIMENS)
    cohort = make_cohort(
        {
            "vital_status": ["alive"] * n,
            "followup_days": [2000.0] * n,
            "surgery_day": [200.0] * n,
            "chemotherapy_day": [20.0] * n,
            "observed_from_day": [950.0] * n,
            "specimen_timing": [t for t, _, _ in SPECIMENS],
            "specimen_site": [s for _, s, _ in SPECIMENS],
            "specimen_day": [d for _, _, d in SPECIMENS],
        }
    )
    return add_endpoints(cohort, [ASKED[name] for name in ASKED])


ASKED = {
    "diagnosis": EndpointDefinition("diagnosis"),
    "chemotherapy": EndpointDefinition("chemotherapy", origin="chemotherapy"),
    "surgery": EndpointDefinition("surgery", origin="surgery"),
    "entry": EndpointDefinition("entry", entry="observed_from_day"),
    "both": EndpointDefinition("both", origin="surgery", entry="observed_from_day"),
}


@pytest.mark.parametrize(
    ("name", "late", "residual"),
    [
        # Recurrences on 900, on 200 and undated; a metastasis on 500 and one undated.
        ("diagnosis", 5, 3),
        # Chemotherapy on day 20 came before every one of these specimens.
        ("chemotherapy", 5, 3),
        # Surgery on day 200: the recurrence and the residual disease of that day are known then.
        ("surgery", 4, 2),
        # Observed from day 950 on, after every specimen that has a day.
        ("entry", 2, 1),
        ("both", 2, 1),
    ],
)
def test_a_patient_is_exempt_only_where_observed_from_the_specimen_on(
    patients, name, late, residual
):
    asked = ASKED[name]
    (found,) = late_exposure(patients, asked, "Overall survival")
    assert (found.rule, found.severity, found.n) == ("exposure_after_baseline", "warning", late)
    assert "the start of Overall survival" in found.advice
    kept = with_timely_her2(patients, asked)
    (step,) = [s for s in kept.attrition if s.id == "her2-before-neoadjuvant"]
    assert (step.n_before, step.n_removed) == (len(SPECIMENS), residual)
    assert kept.n == len(SPECIMENS) - residual
    assert set(kept.columns) == set(patients.columns)


def test_without_the_day_of_a_specimen_nobody_is_exempt(patients):
    from dataclasses import replace

    undated = replace(patients, patients=patients.patients.drop("specimen_day"))
    assert with_timely_her2(undated, ASKED["surgery"]).n == len(SPECIMENS) - 3
    assert late_exposure(undated, ASKED["surgery"], "OS") == ()
