"""Proportional-hazards models of one random cohort."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from analyses.estimators.cox import cox
from cohort.errors import AnalysisError

TOLERANCES = {"": 1e-8}
MODES: dict[str, dict[str, Any]] = {
    "efron": {"x": "share"},
    "breslow": {"x": "share", "ties": "breslow"},
    "entry-strata": {"x": "whole", "entry": "entry", "strata": "stratum"},
    "strata-robust": {"x": "share", "strata": "stratum", "robust": True},
    "whole": {"x": "share", "weights": "whole"},
    "share-entry": {"x": "whole", "entry": "entry", "weights": "share"},
    "share-breslow": {"x": "whole", "weights": "share", "ties": "breslow"},
    "cluster-entry": {"x": "share", "entry": "entry", "cluster": "whole"},
}


def answers(cohort: pd.DataFrame) -> Iterator[tuple[str, float | None]]:
    """Our numbers by the names that cox.R gives them."""
    for mode, asked in MODES.items():
        rows = cohort[cohort["time"] > cohort["entry"]] if "entry" in asked else cohort
        groups = [str(g) for g in sorted(set(rows["group"]))]
        rows = rows.assign(group=rows["group"].astype(str))
        options = {name: value for name, value in asked.items() if name != "x"}
        terms = [{"name": "group", "levels": groups}, asked["x"]]
        try:
            model = cox(rows, time="time", event="event", terms=terms, **options)
        except AnalysisError:
            yield f"{mode} log_likelihood", None
            continue
        columns = [c for c in model.coefficients if c.level is None or c.level != c.reference]
        for place, column in enumerate(columns, start=1):
            yield f"{mode} {place} coefficient", column.estimate
            yield f"{mode} {place} std_error", column.std_error
        yield f"{mode} log_likelihood", model.log_likelihood
        for test in model.tests:
            if test.name != "likelihood_ratio":
                yield f"{mode} {test.name}", test.statistic
        yield f"{mode} concordance", model.concordance.estimate
        for transform in ("km", "rank", "identity"):
            try:
                found = model.proportionality(transform)
            except AnalysisError:
                yield f"{mode} zph {transform} GLOBAL", None
                continue
            for test in (*found.tests, found.overall):
                yield f"{mode} zph {transform} {test.term or 'GLOBAL'}", test.statistic
