"""What made the numbers: digests of study, data and rules, versions, and every choice."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from analyses.report.parametric_pages import parametric_choices
from analyses.report.performance_pages import performance_choices
from analyses.results.study import (
    CoxAnalysis,
    CurveAnalysis,
    FineGrayAnalysis,
    IncidenceAnalysis,
    ParametricAnalysis,
    PerformanceAnalysis,
    RmstAnalysis,
    StudyResult,
)

PACKAGES = (
    *("her2low", "numpy", "scipy", "pandas", "narwhals", "duckdb", "pyarrow"),
    *("lifelines", "statsmodels", "matplotlib", "typst"),
)


def manifest(result: StudyResult) -> dict[str, Any]:
    """The manifest as plain JSON types; no clock, user, host or folder is in it."""
    name, digest, _ = result.spec
    return {
        "version": 1,
        "study": {"file": name, "sha256": digest, "title": result.title},
        "source": result.source,
        "identifies": dict(result.identifies),
        "time_unit": result.time_unit,
        "files": [
            {"role": f.role, "file": f.name, "sha256": f.sha256}
            | {"rows": f.n_rows, "columns": f.n_columns}
            for f in result.files
        ],
        "tables": dict(result.tables),
        "choices": [
            {"stage": c.stage, "name": c.name, "value": c.value, "meaning": c.meaning}
            for c in result.choices
        ],
        "estimators": estimator_choices(result),
        "selected": dict(result.selected),
        "seed": result.seed,
        "redactions": [],
        "software": versions(),
    }


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that compute or draw."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed as a package"
    return found


_INTERVALS = {
    None: "Wald, log hazard scale",
    "firth": "profile of the penalised likelihood, log hazard scale",
}


def estimator_choices(result: StudyResult) -> list[dict[str, str]]:
    """Interval type, level and ties of each analysis that has them."""
    choices = []
    for analysis in result.analyses:
        if isinstance(analysis, CurveAnalysis | IncidenceAnalysis):
            curves = analysis.curves
            choices.append(
                {"analysis": analysis.id, "intervals": curves.conf_type}
                | {"level": f"{curves.conf_level:g}"}
            )
        elif isinstance(analysis, RmstAnalysis):
            means = analysis.result
            choices.append(
                {"analysis": analysis.id, "tau": f"{means.tau:.12g}", "tau_from": means.tau_from}
                | {"intervals": "normal", "level": f"{means.conf_level:g}"}
                | {"variance": means.variance}
            )
        elif isinstance(analysis, FineGrayAnalysis):
            fitted = analysis.model
            choices.append(
                {"analysis": analysis.id, "ties": "breslow", "level": f"{fitted.conf_level:g}"}
                | {"intervals": "Wald, log subdistribution hazard scale"}
                | {"variance": fitted.variance}
            )
        elif isinstance(analysis, ParametricAnalysis):
            choices.append(parametric_choices(analysis))
        elif isinstance(analysis, PerformanceAnalysis):
            choices.append(performance_choices(analysis))
        elif isinstance(analysis, CoxAnalysis):
            model, tested = analysis.adjusted, analysis.proportionality
            choices.append(
                {
                    "analysis": analysis.id,
                    "ties": model.ties,
                    "intervals": _INTERVALS[model.penalty],
                }
                | {"proportionality": tested.transform if tested else "none"}
                | {"level": f"{model.conf_level:g}"}
                | {"variance": "robust" if model.robust else "model-based"}
            )
    return choices
