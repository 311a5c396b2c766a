"""The public names, pinned: a change here is a change for every user."""

from __future__ import annotations

import inspect
import subprocess
import sys

import analyses
import cohort

COHORT = {
    "AnalysisError", "Cohort", "Criterion", "DataError", "Duration", "EndpointOptions", "Finding",
    "Her2Status", "SourceDictionary", "SpecError", "add_endpoint", "classify_her2", "describe",
    "explain", "harmonise", "her2_change", "index_specimen", "load", "select", "simulate",
}  # fmt: skip
ANALYSES = {
    "balancing_weights", "bias_analysis", "by_site", "category_model", "cause_specific_cox",
    "classification", "clone_censor_weight", "cox", "cumulative_incidence",
    "detectable_hazard_ratio", "e_value", "excess_hazard", "facility_shares", "fine_gray",
    "gray_test", "impute", "imputed_cox", "imputed_kaplan_meier", "imputed_rmst", "kaplan_meier",
    "landmark", "leave_one_out", "life_table", "load_study", "logrank", "matched_survival",
    "max_combo", "meta_analysis", "missingness", "model_performance", "pairwise_logrank",
    "parametric_survival", "pool", "propensity", "published_results", "relative_survival",
    "response_odds", "rmst", "run_study", "share_trend", "standardised_survival", "start_stop",
    "subgroups", "table_one", "tipping_points", "treatment_effect", "weighted_survival",
    "write_report",
}  # fmt: skip


def test_public_names_are_these_and_all_of_them_load():
    assert set(cohort.__all__) == COHORT
    assert set(analyses.__all__) == ANALYSES
    for package in (cohort, analyses):
        for name in package.__all__:
            value = getattr(package, name)
            assert callable(value), name
            assert value.__name__ == name


def test_signatures_of_the_estimators():
    expected = {
        "kaplan_meier": "data time event by entry weights conf_level conf_type given",
        "logrank": "data time event by strata entry weights rho gamma trend test",
        "rmst": "data time event by tau reference entry strata weights conf_level",
        "parametric_survival": (
            "data time event terms distributions entry weights zero_as conf_level"
        ),
        "cox": "data time event terms entry strata weights cluster robust offset ties penalty "
        "conf_level",
    }
    for name, parameters in expected.items():
        signature = inspect.signature(getattr(analyses, name))
        assert list(signature.parameters) == parameters.split()
        keyword_only = list(signature.parameters.values())[1:]
        assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in keyword_only)
        assert signature.parameters["event"].default is inspect.Parameter.empty


def test_the_signature_of_model_performance():
    signature = inspect.signature(analyses.model_performance)
    named = "time event times tau entry n_groups resamples seed processes progress conf_level"
    assert list(signature.parameters) == ["model", "data", *named.split()]
    keyword_only = list(signature.parameters.values())[2:]
    assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in keyword_only)


def test_signatures_of_the_estimators_of_competing_risks():
    expected = {
        "cumulative_incidence": "data time state by entry weights conf_level conf_type",
        "fine_gray": "data time state cause terms entry strata weights cluster conf_level",
        "gray_test": "data time state by strata",
    }
    for name, parameters in expected.items():
        signature = inspect.signature(getattr(analyses, name))
        assert list(signature.parameters) == parameters.split()
        keyword_only = list(signature.parameters.values())[1:]
        assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in keyword_only)
        assert signature.parameters["state"].default is inspect.Parameter.empty


def test_importing_the_packages_loads_nothing_heavy():
    code = (
        "import sys, cohort, analyses; "
        "heavy = {'pandas', 'duckdb', 'matplotlib', 'pydantic', 'numpy', 'scipy', 'typst'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
