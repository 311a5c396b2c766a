"""What has no independent implementation, by name, and options no second program knows of."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from analyses.results.records import Record

NOTHING = "no second program makes this number"
_BY_KIND = MappingProxyType(
    {
        "gray_test": "no library has Gray's test",
        "fine_gray": "no library has Fine and Gray's model",
        "parametric": "its likelihoods are those of lifelines, which is no second program",
        "table_one": "descriptions of features are not survival estimates",
        "her2_change": "the change of HER2 is no survival estimate",
        "weighted": "no library has curves and models with weights and their robust variance",
        "matched": "no library has models clustered on matched sets that are right under ties",
        "standardised_curves": "no library has standardised survival curves",
        "performance": "no library here has measures of performance with censoring weights",
    }
)
ZPH = "no library has the score test of cox.zph (version 3)"
_BY_QUANTITY = MappingProxyType(
    dict.fromkeys(
        ("proportionality_test", "proportionality_level_test", "proportionality_test_all"), ZPH
    )
)
_BY_OPTION = MappingProxyType({"penalty": "no library has Firth's penalty"})
_KNOWN = MappingProxyType(
    {
        "kaplan_meier": {"by", "at", "differences", "reference", "given", "conf_type", "quantiles"},
        "logrank": {
            *("by", "strata", "rho", "gamma", "test", "max_combo", "pairs", "trend", "scores"),
        },
        "rmst": {"by", "tau", "reference", "strata"},
        "cox": {"terms", "strata", "cluster", "ties", "univariable", "cause", "proportionality"},
        "cumulative_incidence": {
            *("by", "at", "differences", "reference", "strata", "test", "conf_type"),
        },
    }
)
_ALWAYS = frozenset({"id", "kind", "title", "endpoint", "only", "conf_level"})


def reason(record: Record, otherwise: str = NOTHING) -> str:
    """Why a record has no second program."""
    return _BY_QUANTITY.get(record.quantity, _BY_KIND.get(record.kind, otherwise))


def unknown_option(spec: Any) -> str:
    """Why an option of the analysis leaves it without second program; empty where none does."""
    known = _KNOWN.get(spec.kind, set()) | _ALWAYS
    for name, field in type(spec).model_fields.items():
        usual = field.get_default(call_default_factory=True)
        if name not in known and getattr(spec, name) != usual:
            said = f"no second program takes {name.replace('_', ' ')}"
            return _BY_OPTION.get(name, said)
    return ""
