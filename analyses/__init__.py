"""A cohort becomes numbers, figures and a report.

The names below load when first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analyses.adjustment.clone_censor_weight import clone_censor_weight
    from analyses.adjustment.landmark import landmark
    from analyses.adjustment.matched_survival import matched_survival
    from analyses.adjustment.propensity import propensity
    from analyses.adjustment.standardised_survival import standardised_survival
    from analyses.adjustment.start_stop import start_stop
    from analyses.adjustment.weighted_survival import weighted_survival
    from analyses.adjustment.weights import balancing_weights
    from analyses.estimators.category_model import category_model
    from analyses.estimators.cause_specific import cause_specific_cox
    from analyses.estimators.classification import classification
    from analyses.estimators.cox import cox
    from analyses.estimators.cumulative_incidence import cumulative_incidence
    from analyses.estimators.excess_hazard import excess_hazard
    from analyses.estimators.facility_shares import facility_shares
    from analyses.estimators.fine_gray import fine_gray
    from analyses.estimators.gray_test import gray_test
    from analyses.estimators.kaplan_meier import kaplan_meier
    from analyses.estimators.life_table import life_table
    from analyses.estimators.logrank import logrank, pairwise_logrank
    from analyses.estimators.max_combo import max_combo
    from analyses.estimators.parametric import parametric_survival
    from analyses.estimators.performance import model_performance
    from analyses.estimators.relative_survival import relative_survival
    from analyses.estimators.response import response_odds
    from analyses.estimators.rmst import rmst
    from analyses.estimators.share_trend import share_trend
    from analyses.estimators.subgroups import subgroups
    from analyses.estimators.table_one import table_one
    from analyses.estimators.treatment_by_group import treatment_effect
    from analyses.evidence.by_site import by_site
    from analyses.evidence.meta_analysis import meta_analysis
    from analyses.evidence.pool import pool
    from analyses.evidence.published_results import published_results
    from analyses.imputation.impute import impute
    from analyses.imputation.imputed_cox import imputed_cox
    from analyses.imputation.imputed_survival import imputed_kaplan_meier, imputed_rmst
    from analyses.imputation.missingness import missingness
    from analyses.report.report import write_report
    from analyses.robustness.bias_analysis import bias_analysis
    from analyses.robustness.detectable import detectable_hazard_ratio
    from analyses.robustness.e_value import e_value
    from analyses.robustness.leave_one_out import leave_one_out
    from analyses.robustness.tipping import tipping_points
    from analyses.study.run import run_study
    from analyses.study.spec import load_study

_HOMES = {
    "balancing_weights": "adjustment.weights",
    "matched_survival": "adjustment.matched_survival",
    "propensity": "adjustment.propensity",
    "standardised_survival": "adjustment.standardised_survival",
    "weighted_survival": "adjustment.weighted_survival",
    "excess_hazard": "estimators.excess_hazard",
    "life_table": "estimators.life_table",
    "relative_survival": "estimators.relative_survival",
    "bias_analysis": "robustness.bias_analysis",
    "category_model": "estimators.category_model",
    "by_site": "evidence.by_site",
    "cause_specific_cox": "estimators.cause_specific",
    "clone_censor_weight": "adjustment.clone_censor_weight",
    "cox": "estimators.cox",
    "cumulative_incidence": "estimators.cumulative_incidence",
    "detectable_hazard_ratio": "robustness.detectable",
    "e_value": "robustness.e_value",
    "fine_gray": "estimators.fine_gray",
    "gray_test": "estimators.gray_test",
    "impute": "imputation.impute",
    "imputed_cox": "imputation.imputed_cox",
    "imputed_kaplan_meier": "imputation.imputed_survival",
    "imputed_rmst": "imputation.imputed_survival",
    "kaplan_meier": "estimators.kaplan_meier",
    "landmark": "adjustment.landmark",
    "leave_one_out": "robustness.leave_one_out",
    "load_study": "study.spec",
    "logrank": "estimators.logrank",
    "max_combo": "estimators.max_combo",
    "meta_analysis": "evidence.meta_analysis",
    "missingness": "imputation.missingness",
    "model_performance": "estimators.performance",
    "pairwise_logrank": "estimators.logrank",
    "parametric_survival": "estimators.parametric",
    "pool": "evidence.pool",
    "published_results": "evidence.published_results",
    "rmst": "estimators.rmst",
    "run_study": "study.run",
    "start_stop": "adjustment.start_stop",
    "subgroups": "estimators.subgroups",
    "table_one": "estimators.table_one",
    "classification": "estimators.classification",
    "facility_shares": "estimators.facility_shares",
    "share_trend": "estimators.share_trend",
    "response_odds": "estimators.response",
    "tipping_points": "robustness.tipping",
    "treatment_effect": "estimators.treatment_by_group",
    "write_report": "report.report",
}

__all__ = [
    "balancing_weights",
    "bias_analysis",
    "by_site",
    "category_model",
    "cause_specific_cox",
    "classification",
    "clone_censor_weight",
    "cox",
    "cumulative_incidence",
    "detectable_hazard_ratio",
    "e_value",
    "excess_hazard",
    "facility_shares",
    "fine_gray",
    "gray_test",
    "impute",
    "imputed_cox",
    "imputed_kaplan_meier",
    "imputed_rmst",
    "kaplan_meier",
    "landmark",
    "leave_one_out",
    "life_table",
    "load_study",
    "logrank",
    "matched_survival",
    "max_combo",
    "meta_analysis",
    "missingness",
    "model_performance",
    "pairwise_logrank",
    "parametric_survival",
    "pool",
    "propensity",
    "published_results",
    "relative_survival",
    "response_odds",
    "rmst",
    "run_study",
    "share_trend",
    "standardised_survival",
    "start_stop",
    "subgroups",
    "table_one",
    "tipping_points",
    "treatment_effect",
    "weighted_survival",
    "write_report",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its home module."""
    if name not in _HOMES:
        raise AttributeError(f"module 'analyses' has no attribute {name!r}")
    return getattr(import_module(f"analyses.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Public names, loaded or not."""
    return sorted(__all__)
