"""A registry's file becomes an analysable cohort: load, harmonise, classify, select.

The names below load when first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cohort.change import her2_change
    from cohort.describing import describe
    from cohort.dictionary import SourceDictionary
    from cohort.duration import Duration
    from cohort.endpoints import add_endpoint
    from cohort.endpoints_definition import EndpointOptions
    from cohort.errors import AnalysisError, DataError, SpecError
    from cohort.harmonisation import harmonise
    from cohort.her2 import Her2Status, classify_her2
    from cohort.her2_explanation import explain
    from cohort.loading import load
    from cohort.selection import Criterion, select
    from cohort.simulation import simulate
    from cohort.specimens import index_specimen
    from cohort.table import Cohort, Finding

_HOMES = {
    "AnalysisError": "errors",
    "Cohort": "table",
    "Criterion": "selection",
    "DataError": "errors",
    "Duration": "duration",
    "EndpointOptions": "endpoints_definition",
    "Finding": "table",
    "Her2Status": "her2",
    "SourceDictionary": "dictionary",
    "SpecError": "errors",
    "add_endpoint": "endpoints",
    "classify_her2": "her2",
    "describe": "describing",
    "explain": "her2_explanation",
    "harmonise": "harmonisation",
    "her2_change": "change",
    "index_specimen": "specimens",
    "load": "loading",
    "select": "selection",
    "simulate": "simulation",
}

__all__ = [
    "AnalysisError",
    "Cohort",
    "Criterion",
    "DataError",
    "Duration",
    "EndpointOptions",
    "Finding",
    "Her2Status",
    "SourceDictionary",
    "SpecError",
    "add_endpoint",
    "classify_her2",
    "describe",
    "explain",
    "harmonise",
    "her2_change",
    "index_specimen",
    "load",
    "select",
    "simulate",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its home module."""
    if name not in _HOMES:
        raise AttributeError(f"module 'cohort' has no attribute {name!r}")
    return getattr(import_module(f"cohort.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Public names, loaded or not."""
    return sorted(__all__)
