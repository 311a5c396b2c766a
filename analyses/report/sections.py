"""Which section of the report shows which analysis: one line a kind."""

from __future__ import annotations

from types import MappingProxyType

from analyses.report.adjusted_pages import MATCHED, STANDARDISED, WEIGHTED
from analyses.report.by_site_pages import SITES
from analyses.report.category_pages import CATEGORIES
from analyses.report.change_pages import CHANGES
from analyses.report.classification_pages import CLASSIFICATIONS
from analyses.report.competing_pages import INCIDENCES, SUBDISTRIBUTIONS
from analyses.report.curve_pages import CURVES
from analyses.report.era_pages import ERAS
from analyses.report.evidence_pages import EVIDENCE
from analyses.report.facility_pages import FACILITIES
from analyses.report.feature_table import FEATURES
from analyses.report.imputed_section import with_imputed
from analyses.report.landmark_pages import LANDMARKS
from analyses.report.missing_table import MISSING
from analyses.report.model_pages import MODELS
from analyses.report.parametric_pages import LIFETIMES
from analyses.report.performance_pages import PERFORMANCE
from analyses.report.rank_test_pages import RANK_TESTS
from analyses.report.relative_survival_pages import NET
from analyses.report.response_pages import RESPONSES
from analyses.report.rmst_pages import MEANS
from analyses.report.robustness_pages import ROBUSTNESS
from analyses.report.section import Section
from analyses.report.sensitivity_pages import SENSITIVITY
from analyses.report.start_stop_pages import CHANGING
from analyses.report.strategy_pages import STRATEGIES
from analyses.report.subgroup_pages import SUBGROUPS
from analyses.report.treatment_pages import TREATMENTS
from analyses.report.trend_pages import TRENDS
from analyses.results.by_site import BySiteAnalysis
from analyses.results.category_model import CategoryAnalysis
from analyses.results.classification import ClassificationAnalysis
from analyses.results.evidence import EvidenceAnalysis
from analyses.results.facility_shares import FacilityAnalysis
from analyses.results.imputed import MissingnessAnalysis
from analyses.results.landmark import LandmarkAnalysis
from analyses.results.matched import MatchedAnalysis
from analyses.results.relative_survival import RelativeSurvivalAnalysis
from analyses.results.response import ResponseAnalysis
from analyses.results.robustness import RobustnessAnalysis
from analyses.results.share_trend import TrendAnalysis
from analyses.results.specification_curve import SensitivityAnalysis
from analyses.results.standardised_curves import StandardisedAnalysis
from analyses.results.start_stop import StartStopAnalysis
from analyses.results.strategies import StrategiesAnalysis
from analyses.results.study import (
    Analysis,
    ChangeAnalysis,
    CoxAnalysis,
    CurveAnalysis,
    FineGrayAnalysis,
    IncidenceAnalysis,
    ParametricAnalysis,
    PerformanceAnalysis,
    RmstAnalysis,
    TableAnalysis,
    TestAnalysis,
)
from analyses.results.subgroups import SubgroupsAnalysis
from analyses.results.treatment_by_group import TreatmentAnalysis
from analyses.results.treatment_eras import TreatmentErasAnalysis
from analyses.results.weighted import WeightedAnalysis

SECTIONS: MappingProxyType[type, Section] = MappingProxyType(
    {
        TableAnalysis: FEATURES,
        CurveAnalysis: with_imputed(CURVES),
        TestAnalysis: RANK_TESTS,
        RmstAnalysis: with_imputed(MEANS),
        CoxAnalysis: with_imputed(MODELS),
        IncidenceAnalysis: INCIDENCES,
        FineGrayAnalysis: SUBDISTRIBUTIONS,
        ParametricAnalysis: LIFETIMES,
        PerformanceAnalysis: PERFORMANCE,
        ChangeAnalysis: CHANGES,
        EvidenceAnalysis: EVIDENCE,
        BySiteAnalysis: SITES,
        RelativeSurvivalAnalysis: NET,
        SubgroupsAnalysis: SUBGROUPS,
        WeightedAnalysis: WEIGHTED,
        MatchedAnalysis: MATCHED,
        StandardisedAnalysis: STANDARDISED,
        ClassificationAnalysis: CLASSIFICATIONS,
        FacilityAnalysis: FACILITIES,
        RobustnessAnalysis: ROBUSTNESS,
        TrendAnalysis: TRENDS,
        MissingnessAnalysis: MISSING,
        ResponseAnalysis: RESPONSES,
        SensitivityAnalysis: SENSITIVITY,
        CategoryAnalysis: CATEGORIES,
        TreatmentAnalysis: TREATMENTS,
        TreatmentErasAnalysis: ERAS,
        LandmarkAnalysis: LANDMARKS,
        StartStopAnalysis: CHANGING,
        StrategiesAnalysis: STRATEGIES,
    }
)


def section_of(analysis: Analysis) -> Section:
    """The section of an analysis."""
    return SECTIONS[type(analysis)]
