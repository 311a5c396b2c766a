"""Cause-specific Cox models: one of several competing events, the others being censorings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from analyses.estimators.cox import cox
from analyses.estimators.states import happened
from analyses.estimators.survival_data import By
from analyses.estimators.terms import TermSpec
from analyses.results.cox import CoxModel


def cause_specific_cox(
    data: Any,
    *,
    time: str,
    state: By,
    cause: str,
    terms: Sequence[TermSpec],
    entry: str | None = None,
    strata: str | Sequence[str] | None = None,
    weights: str | None = None,
    cluster: str | None = None,
    robust: bool | None = None,
    offset: str | None = None,
    ties: str = "efron",
    conf_level: float = 0.95,
) -> CoxModel:
    """Hazard ratios of one event among those still free of all: others end follow-up.

    They say how a term changes the rate of the event; how it changes the share who ever have it
    depends on the competing events as well (`fine_gray`, `cumulative_incidence`).

    Parameters
    ----------
    state, cause
        As in `fine_gray`: how follow-up ended, and the event looked at.
    data, time, terms, entry, strata, weights, cluster, robust, offset, ties, conf_level
        As in `cox`, which fits the model.

    Returns
    -------
    CoxModel
        As of `cox`. A row without a state is left out and counted.

    Raises
    ------
    AnalysisError
        As `cox`; for states without order, and for a cause that is none of them.

    Notes
    -----
    Checked against ``coxph`` with the other events censored: tests/analyses/test_fine_gray.py.
    """
    frame, event = happened(data, state, cause)
    return cox(
        frame,
        time=time,
        event=event,
        terms=terms,
        entry=entry,
        strata=strata,
        weights=weights,
        cluster=cluster,
        robust=robust,
        offset=offset,
        ties=ties,
        conf_level=conf_level,
    )
