"""The life table that a study names: where it lies, and its rows."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from analyses.study.near import near_file
from analyses.study.specs.relative_survival import RelativeSurvivalSpec
from cohort.errors import AnalysisError, Problem

if TYPE_CHECKING:
    import pandas as pd

    from analyses.study.spec import Study


def life_table_rows(path: Path) -> tuple[pd.DataFrame, str]:
    """The rows of the file and the sha256 of its bytes; AnalysisError where it cannot be read."""
    import pandas as pd

    try:
        content = path.read_bytes()
    except OSError as error:
        found = f"cannot be read: {error.strerror or error}"
        raise AnalysisError(Problem(path.name, found, advice=near_file(path))) from None
    try:
        frame = pd.read_csv(io.BytesIO(content), encoding="utf-8-sig", sep=None, engine="python")
    except (ValueError, UnicodeDecodeError) as error:
        found = f"is no table: {error}"
        advice = "Give a CSV file in UTF-8 with a heading."
        raise AnalysisError(Problem(path.name, found, advice=advice)) from None
    frame.columns = [str(name).strip().lower() for name in frame.columns]
    return frame, hashlib.sha256(content).hexdigest()


def life_table_problems(study: Study) -> Iterator[Problem]:
    """Life tables that do not exist, and endpoints that are not death of any cause."""
    for i, spec in enumerate(study.analyses):
        if not isinstance(spec, RelativeSurvivalSpec):
            continue
        path = study.folder / spec.life_table
        if not path.is_file():
            place = study.place(("analyses", i, "life_table"))
            yield Problem(place, f"no file '{spec.life_table}'", advice=near_file(path))
        kind = study.endpoint(spec.endpoint).kind
        if kind != "OS":
            yield Problem(
                study.place(("analyses", i, "endpoint")),
                f"endpoint '{spec.endpoint}' is {kind}, not death of any cause",
                "An endpoint of kind OS",
                "A life table counts deaths of every cause.",
            )
