"""What made the numbers: digests of study, data and rules, versions, and every choice."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from analyses.report.sections import section_of
from analyses.results.study import (
    StudyResult,
)

PACKAGES = (
    *("her2low", "numpy", "scipy", "pandas", "narwhals", "duckdb", "pyarrow", "numba"),
    *("lifelines", "statsmodels", "matplotlib", "typst"),
)


def manifest(result: StudyResult) -> dict[str, Any]:
    """The manifest as plain JSON types; no clock, user, host or folder is in it."""
    name, digest, _ = result.spec
    return {
        "version": 1,
        "study": {"file": name, "sha256": digest, "title": result.title}
        | ({"changes": list(result.changes)} if result.changes else {}),
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


def estimator_choices(result: StudyResult) -> list[dict[str, str]]:
    """Interval type, level and ties of each analysis that has them."""
    chosen = [(a.id, dict(section_of(a).choices(a))) for a in result.analyses]
    return [{"analysis": name, **choices} for name, choices in chosen if choices]
