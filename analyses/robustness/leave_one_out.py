"""One contrast without each hospital in turn: whether it hangs on a single one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyses.estimators.cox import model_of
from analyses.estimators.cox_prepared import prepared
from analyses.estimators.processes import spread
from analyses.results.cox import CoxModel
from analyses.results.frozen import Array
from analyses.results.leave_one_out import LeaveOneOut, Without
from analyses.results.robust import Estimate
from analyses.results.terms import as_text
from analyses.robustness.contrasted import Contrast, Contrasted, contrasted
from cohort.errors import AnalysisError, Problem
from cohort.table import Finding

WHERE = "leave_one_out"
FITTED = 100  # units without which the model is fitted anew, those of most influence
Progress = Callable[[int, int], None]
_Given = tuple[Contrasted, npt.NDArray[np.intp]]


def leave_one_out(
    model: CoxModel,
    data: Any,
    *,
    time: str,
    event: str,
    contrast: Contrast,
    unit: str = "facility_id",
    fitted: int = FITTED,
    named: str = "numbers",
    processes: int = 1,
    progress: Progress | None = None,
) -> LeaveOneOut:
    """A hazard ratio without each hospital in turn, and how far the largest influence moves it.

    Parameters
    ----------
    model, data, time, event, contrast
        As `bias_analysis`.
    unit
        Column of the units; patients without a value in it stay and are counted.
    fitted
        Without how many units the model is fitted anew: those whose patients' residuals sum to
        the largest change; the others have that approximation only.
    named
        ``numbers`` shows units by their place, the largest first; ``names`` by their names.
    processes, progress
        Processes, and whom to tell of (fits done, fits in all).

    Returns
    -------
    LeaveOneOut
        A unit without which there is no estimate says why.

    Raises
    ------
    AnalysisError
        As `bias_analysis`; with fewer than two units.

    Notes
    -----
    The approximation is the sum over the unit's patients of `residuals(type = "dfbeta")`. Checked
    against `coxph` without each unit in R (tests/analyses/test_leave_one_out.py).
    """
    asked = contrasted(model, data, (time, event), contrast, where=WHERE, besides=(unit,))
    if named not in ("numbers", "names"):
        raise ValueError(f"named is 'numbers' or 'names', not {named!r}")
    return _left_out(asked, unit, max(fitted, 1), (processes, progress), named == "names")


def _left_out(
    asked: Contrasted,
    unit: str,
    fitted: int,
    way: tuple[int, Progress | None],
    named: bool,
) -> LeaveOneOut:
    """The units by their approximate influence, the model fitted anew without the first."""
    codes, names = pd.factorize(_known(asked.frame[unit]), sort=True)
    if len(names) < 2:
        found = f"{len(names)} units"
        advice = "Name a column of at least two."
        raise AnalysisError(Problem(f"{WHERE}: unit '{unit}'", found, advice=advice))
    known = codes >= 0
    own, happened = codes[known], asked.happened[known]
    n = np.bincount(own, minlength=len(names))
    n_event = np.bincount(own, happened, minlength=len(names)).astype(int)
    change = -np.bincount(own, _dfbeta(asked)[known], minlength=len(names))
    order = np.lexsort((np.arange(len(names)), -np.abs(change)))
    labels = [str(name) for name in names] if named else _numbered(n)
    chosen = [int(place) for place in order[:fitted]]
    given = (asked, codes.astype(np.intp))
    after = dict(
        zip(
            chosen,
            spread(
                _without, given, chosen, processes=way[0], progress=way[1],
                what=f"{WHERE}: processes",
            ),
            strict=True,
        )
    )  # fmt: skip
    units = tuple(
        Without(
            labels[place],
            int(n[place]),
            int(n_event[place]),
            float(change[place]),
            *after.get(int(place), (None, None)),
        )
        for place in order
    )
    return LeaveOneOut(
        term=asked.term,
        level=asked.level,
        reference=asked.reference,
        column=unit,
        estimate=asked.estimate(asked.frame),
        units=units,
        n_units=len(names),
        n_fitted=len(chosen),
        n_unknown=int((~known).sum()),
        conf_level=asked.asked.conf_level,
        named=named,
        findings=_findings(unit, len(names), len(chosen), int((~known).sum())),
    )


def _numbered(n: npt.NDArray[np.intp]) -> list[str]:
    """Each unit's place by its patients, the largest first."""
    places = np.empty(len(n), dtype=int)
    places[np.argsort(-n, kind="stable")] = np.arange(1, len(n) + 1)
    return [f"unit {place}" for place in places]


def _known(values: pd.Series[Any]) -> pd.Series[Any]:
    """The values as words, missing ones left missing."""
    known = values.notna()
    return as_text(values[known]).reindex(values.index)


def _dfbeta(asked: Contrasted) -> Array:
    """Of each patient, the change of the contrast that comes of having them."""
    plain = replace(asked.asked, cluster=None, robust=None, penalty=None)
    full = model_of(prepared(asked.frame, asked.terms, plain), plain)
    residuals = full.residuals("dfbeta")
    return residuals[f"{asked.term}={asked.level}"].to_numpy(dtype=float)


def _without(given: _Given, place: int) -> tuple[Estimate | None, str | None]:
    """The estimate without one unit, or why there is none."""
    asked, codes = given
    rest = asked.frame[codes != place].reset_index(drop=True)
    try:
        return asked.estimate(rest), None
    except AnalysisError as error:
        return None, error.problems[0].found


def _findings(unit: str, n_units: int, n_fitted: int, n_unknown: int) -> tuple[Finding, ...]:
    found = []
    if n_unknown:
        said = f"{n_unknown} patients without {unit} are never left out."
        found.append(Finding("warning", WHERE, unit, "", "no_unit", n_unknown, said))
    if n_fitted < n_units:
        said = (
            f"The model was fitted anew without the {n_fitted} of {n_units} units of the largest "
            "approximate influence; the others have the approximation only."
        )
        found.append(Finding("info", WHERE, unit, "", "units_not_fitted", n_units - n_fitted, said))
    return tuple(found)
