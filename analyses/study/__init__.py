"""A study file becomes a frozen study, is checked, and is run."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analyses.study.check import check_study
    from analyses.study.run import run_study
    from analyses.study.spec import Study, load_study

_HOMES = {"Study": "spec", "check_study": "check", "load_study": "spec", "run_study": "run"}

__all__ = ["Study", "check_study", "load_study", "run_study"]


def __getattr__(name: str) -> Any:
    """Load a public name from its home module."""
    if name not in _HOMES:
        raise AttributeError(f"module 'analyses.study' has no attribute {name!r}")
    return getattr(import_module(f"analyses.study.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Public names, loaded or not."""
    return sorted(__all__)
