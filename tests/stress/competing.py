"""Cumulative incidence, Gray's test and Fine and Gray models of one random cohort."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from analyses import cumulative_incidence, fine_gray, gray_test
from cohort.errors import AnalysisError

# crr stops where its objective no longer falls, some way off the maximum.
TOLERANCES = {"": 1e-9, "crr coefficient": 2e-5, "crr std_error": 2e-5, "crr loglik": 1e-8,
              "finegray coefficient": 1e-6, "finegray std_error": 1e-6}  # fmt: skip
STATES = {"name": "cause", "levels": ["0", "1", "2"]}
MODES: dict[str, dict[str, str]] = {
    "plain": {},
    "entry": {"entry": "entry"},
    "share": {"weights": "share"},
    "share-entry": {"weights": "share", "entry": "entry"},
}
MODELS: dict[str, dict[str, Any]] = {
    "crr": {},
    "finegray": {"entry": "entry"},
}


def answers(cohort: pd.DataFrame) -> Iterator[tuple[str, float | None]]:
    """Our numbers by the names that competing.R gives them."""
    third = (cohort["share"] * 1000).round().astype(int) % 3 == 0
    cause = np.where(cohort["event"] == 0, "0", np.where(third, "2", "1"))
    frame = cohort.assign(cause=cause, group=cohort["group"].astype(str))
    groups = sorted(set(frame["group"]))
    by = {"name": "group", "levels": groups}
    for mode, options in MODES.items():
        rows = frame[frame["time"] > frame["entry"]] if "entry" in options else frame
        curves = cumulative_incidence(rows, time="time", state=STATES, by=by, **options)
        for curve in curves.curves:
            shares = np.vstack([curve.event_free, curve.incidence])
            errors = np.vstack([curve.event_free_error, curve.std_error])
            for state in range(3):
                yield f"{mode} {curve.group} {state} share", float(shares[state].sum())
                yield f"{mode} {curve.group} {state} error", float(errors[state].sum())
    for name, strata in (("plain", None), ("strata", "stratum")):
        test = gray_test(frame, time="time", state=STATES, by=by, strata=strata)
        for one in test.tests:
            if one.df == len(groups) - 1:
                yield f"gray {name} {one.cause} statistic", one.statistic
    for name, options in MODELS.items():
        yield from _model(name, frame, groups, options)


def _model(
    name: str, frame: pd.DataFrame, groups: list[str], options: dict[str, Any]
) -> Iterator[tuple[str, float | None]]:
    rows = frame[frame["time"] > frame["entry"]] if "entry" in options else frame
    terms = [{"name": "group", "levels": groups}, "whole"]
    try:
        model = fine_gray(rows, time="time", state=STATES, cause="1", terms=terms, **options)
    except AnalysisError:
        return
    if model.failures:
        return
    for place, c in enumerate(model.estimated, start=1):
        yield f"{name} {place} coefficient", c.estimate
        yield f"{name} {place} std_error", c.std_error
    yield f"{name} loglik", model.log_likelihood
