"""Curves, tests between groups and restricted means of one random cohort."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from analyses import kaplan_meier, logrank, max_combo, rmst
from cohort.errors import AnalysisError

# By quantity, the empty name for all others.
TOLERANCES = {"": 1e-9, "max-combo p": 2e-5}
TAU, AT, GIVEN = 10.0, 22.5, 7.5
MODES: dict[str, dict[str, str]] = {
    "plain": {},
    "entry": {"entry": "entry"},
    "share": {"weights": "share"},
    "share-entry": {"weights": "share", "entry": "entry"},
}
TESTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "rho": {"rho": 1},
    "gamma": {"gamma": 1},
    "gehan": {"test": "gehan"},
    "tarone-ware": {"test": "tarone_ware", "strata": "stratum"},
    "strata": {"strata": "stratum"},
    "entry": {"entry": "entry"},
    "whole": {"weights": "whole"},
    "trend": {"trend": "linear"},
}
Answers = Iterator[tuple[str, float | None]]


def answers(cohort: pd.DataFrame) -> Answers:
    """Our numbers by the names that curves.R gives them."""
    groups = [str(g) for g in sorted(set(cohort["group"]))]
    frame = cohort.assign(group=cohort["group"].astype(str))
    names = {"time": "time", "event": "event", "by": {"name": "group", "levels": groups}}
    for mode, options in MODES.items():
        rows = frame[frame["time"] > frame["entry"]] if "entry" in options else frame
        yield from _curves(mode, rows, names | options)
    for name, options in TESTS.items():
        rows = frame[frame["time"] > frame["entry"]] if "entry" in options else frame
        test = logrank(rows, **names, **options)
        yield f"test {name} statistic", test.statistic
        if test.groups[0] == "1":  # nobody of the first group may be left
            yield f"test {name} variance", float(test.variance[0, 0])
    combo = max_combo(frame, **names, trend="linear")
    yield "max-combo statistic", combo.statistic
    yield "max-combo p", combo.p_value


def _curves(mode: str, rows: pd.DataFrame, options: dict[str, Any]) -> Answers:
    """Sums over each curve, quantiles, the difference at a time, survival given a time, means."""
    curves = kaplan_meier(rows, **options)
    quantiles = curves.quantiles([0.25, 0.5]).set_index(["group", "probability"])
    for curve in curves.curves:
        here = f"{mode} {curve.group}"
        yield f"{here} survival", float(curve.survival.sum())
        yield f"{here} std_error", float(np.nansum(curve.std_error))
        yield f"{here} conf_low", float(np.nansum(curve.conf_low))
        yield f"{here} conf_high", float(np.nansum(curve.conf_high))
        yield f"{here} quartile", float(quantiles.loc[(curve.group, 0.25), "estimate"])
        yield f"{here} median_low", float(quantiles.loc[(curve.group, 0.5), "conf_low"])
    for contrast in curves.contrasts([AT]):
        if contrast.p_value is not None:
            yield f"{mode} {contrast.group} difference", contrast.estimate
            yield f"{mode} {contrast.group} difference_p", contrast.p_value
    if (rows["time"] > GIVEN).any():
        later = kaplan_meier(rows, **options, given=GIVEN).at([AT]).set_index("group")
        for group, row in later.iterrows():
            if not np.isnan(row["estimate"]) and row["std_error"] > 0:
                yield f"{mode} {group} given", float(row["estimate"])
                yield f"{mode} {group} given_error", float(row["std_error"])
    try:
        means = rmst(rows, **options, tau=TAU)
    except AnalysisError:
        return  # a group is not followed to tau
    for mean in means.groups:
        yield f"{mode} {mean.group} rmst", mean.estimate
        yield f"{mode} {mean.group} rmst_error", mean.std_error
