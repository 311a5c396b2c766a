"""The analyses that a study file can ask for, told apart by their kind."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from analyses.study.specs.adjusted import (
    MatchedSpec,
    StandardisedCurvesSpec,
    WeightedSpec,
)
from analyses.study.specs.by_site import BySiteSpec
from analyses.study.specs.category_model import CategoryModelSpec
from analyses.study.specs.classification import ClassificationSpec
from analyses.study.specs.cox import CoxSpec
from analyses.study.specs.cumulative_incidence import CumulativeIncidenceSpec
from analyses.study.specs.evidence import EvidenceSpec
from analyses.study.specs.facility_shares import FacilitySharesSpec
from analyses.study.specs.fine_gray import FineGraySpec
from analyses.study.specs.her2_change import Her2ChangeSpec
from analyses.study.specs.kaplan_meier import KaplanMeierSpec
from analyses.study.specs.late_treatment import (
    CloneCensorWeightSpec,
    LandmarkSpec,
    StartStopSpec,
)
from analyses.study.specs.logrank import LogRankSpec
from analyses.study.specs.missingness import MissingnessSpec
from analyses.study.specs.parametric import ParametricSpec
from analyses.study.specs.performance import PerformanceSpec
from analyses.study.specs.relative_survival import RelativeSurvivalSpec
from analyses.study.specs.response import ResponseSpec
from analyses.study.specs.rmst import RmstSpec
from analyses.study.specs.robustness import RobustnessSpec
from analyses.study.specs.share_trend import ShareTrendSpec
from analyses.study.specs.subgroups import SubgroupsSpec
from analyses.study.specs.table_one import TableOneSpec
from analyses.study.specs.treatment_effect import TreatmentEffectSpec
from analyses.study.specs.treatment_eras import TreatmentErasSpec

AnalysisSpec = Annotated[
    TableOneSpec
    | KaplanMeierSpec
    | LogRankSpec
    | RmstSpec
    | CoxSpec
    | Her2ChangeSpec
    | CumulativeIncidenceSpec
    | FineGraySpec
    | ParametricSpec
    | PerformanceSpec
    | SubgroupsSpec
    | WeightedSpec
    | MatchedSpec
    | StandardisedCurvesSpec
    | ClassificationSpec
    | FacilitySharesSpec
    | RobustnessSpec
    | ShareTrendSpec
    | ResponseSpec
    | CategoryModelSpec
    | EvidenceSpec
    | TreatmentEffectSpec
    | BySiteSpec
    | MissingnessSpec
    | TreatmentErasSpec
    | LandmarkSpec
    | StartStopSpec
    | CloneCensorWeightSpec
    | RelativeSurvivalSpec,
    Field(discriminator="kind"),
]
