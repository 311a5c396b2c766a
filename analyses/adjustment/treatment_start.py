"""When a treatment started, against the time at which patients began to be followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from analyses.estimators.survival_data import TIE, SurvivalData, as_pandas, survival_data
from analyses.results.frozen import Array
from cohort.errors import AnalysisError, Problem, listed
from cohort.table import Finding

UnknownStart = Literal["refuse", "leave_out"]
Flags = npt.NDArray[np.bool_]
SOURCE = "immortal_time"
LEVELS = ("no", "yes")
_GIVEN = {"no": False, "yes": True, False: False, True: True}  # 0 and 1 are False and True


@dataclass(frozen=True, slots=True, eq=False)
class Treated:
    """Complete rows with the time at which a treatment started.

    Attributes
    ----------
    frame
        The rows, index 0..n-1, every column asked for.
    time, event, entry
        Follow-up, event, and the time from which a patient is observed (None: from time zero).
    start
        Time of the start; infinite where the treatment was never given, 0 where it was given by
        time zero.
    n_input, n_missing
        Rows given, and (column, rows without a value).
    n_unknown, n_contradicted
        Rows left out as they were treated on a day that is not known, and as they have a start
        though not treated.
    labels
        Places that the rows had in the data.
    findings
        What was decided for whom.
    """

    frame: pd.DataFrame
    time: Array
    event: Flags
    entry: Array | None
    start: Array
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    n_unknown: int
    n_contradicted: int
    labels: pd.Index[Any]
    findings: tuple[Finding, ...]

    @property
    def ever(self) -> Flags:
        """Whether the treatment was ever given: what nobody knows at time zero."""
        return np.isfinite(self.start)


def treated_rows(
    data: Any,
    *,
    time: str,
    event: str,
    treatment: str,
    start: str,
    entry: str | None = None,
    others: Sequence[str] = (),
    unknown_start: UnknownStart = "refuse",
) -> Treated:
    """Rows complete in every column, each with the start of its treatment.

    `treatment` is boolean, 0/1 or no/yes; `start` is counted from time zero in the unit of `time`
    and may be below 0. A patient who was treated on a day that is not known, and one who has a
    start though not treated, is refused or left out, and counted either way.

    Raises AnalysisError as `survival_data`, for a treatment that is none, and by `unknown_start`.
    """
    _require_policy(unknown_start)
    where = f"treatment '{treatment}'"
    wanted = list(dict.fromkeys([treatment, *others]))
    frame = as_pandas(data).reset_index(drop=True)  # labels may repeat
    if start not in frame:
        found = "not in the table"
        advice = "Without the day of the start nobody can tell who was treated when."
        raise AnalysisError(Problem(f"column '{start}'", found, advice=advice))
    rows = survival_data(frame, time=time, event=event, entry=entry, others=wanted)
    begun = starts_of(frame.loc[rows.labels, start], start)
    given = _given(rows.frame[treatment], where)
    _require_untreated(where, given, rows.n_missing)
    unknown, contradicted = given & np.isnan(begun), ~given & ~np.isnan(begun)
    _refuse(where, start, unknown_start, int(unknown.sum()), int(contradicted.sum()))
    kept = ~(unknown | contradicted)
    if not kept.any():
        found = f"no patient is left: '{start}' is known of none who was treated"
        raise AnalysisError(Problem(where, found, advice="Check the column of the start."))
    started = _placed(np.where(given, begun, np.inf)[kept], rows.time[kept])
    return Treated(
        frame=rows.frame[kept].reset_index(drop=True),
        time=rows.time[kept],
        event=rows.event[kept],
        entry=None if rows.entry is None else rows.entry[kept],
        start=started,
        n_input=rows.n_input,
        n_missing=rows.n_missing,
        n_unknown=int(unknown.sum()),
        n_contradicted=int(contradicted.sum()),
        labels=rows.labels[kept],
        findings=_findings(rows, start, (unknown, contradicted), started, kept),
    )


def _require_policy(unknown_start: str) -> None:
    if unknown_start not in get_args(UnknownStart):
        allowed = f"Allowed: {listed(get_args(UnknownStart))}"
        raise AnalysisError(Problem("unknown_start", f"'{unknown_start}'", allowed))


def _require_untreated(where: str, given: Flags, n_missing: tuple[tuple[str, int], ...]) -> None:
    """AnalysisError where nobody is known to be untreated: who was treated is then the future."""
    if not given.all():
        return
    missing = "".join(f"; '{name}' is missing in {n}" for name, n in n_missing)
    found = f"all {len(given)} patients with a value were treated at some time{missing}"
    advice = (
        "Patients who are known to have been treated later cannot be compared among themselves. "
        "Where a missing value means not given, let the dictionary say so; else choose a "
        "treatment of which the source tells that it was not given."
    )
    raise AnalysisError(Problem(where, found, advice=advice))


def _given(values: pd.Series[Any], where: str) -> Flags:
    """Whether each patient was treated."""
    words = values.astype(object).map(lambda v: _GIVEN.get(v) if v in _GIVEN else None)
    if words.isna().any():
        seen = sorted({str(v) for v in values[words.isna().to_numpy()]})
        raise AnalysisError(
            Problem(
                where,
                f"values that are neither yes nor no: {listed(seen, 5)}",
                "Boolean, 0/1, or 'no' and 'yes'.",
                "Make a column that says whether the treatment was given.",
            )
        )
    return np.asarray(words.to_numpy(dtype=bool))


def starts_of(values: pd.Series[Any], start: str) -> Array:
    """The times of the start; NaN where there is none."""
    if values.isna().all():
        return np.full(len(values), np.nan)
    if not pd.api.types.is_numeric_dtype(values):
        example = str(values.dropna().iloc[0])
        advice = "Count it from time zero, in the unit of follow-up."
        found = f"not numbers (for example '{example}')"
        raise AnalysisError(Problem(f"column '{start}'", found, advice=advice))
    numbers = pd.to_numeric(values).to_numpy(dtype=float, na_value=np.nan)
    wrong = int(np.isinf(numbers).sum())
    if wrong:
        found = f"{wrong} values are not finite"
        raise AnalysisError(Problem(f"column '{start}'", found, advice="Leave them missing."))
    return numbers


def _placed(start: Array, time: Array) -> Array:
    """Starts before time zero at 0; those within floating error of the end of follow-up at it."""
    with np.errstate(invalid="ignore"):
        near = np.abs(start - time) <= TIE * np.maximum(1.0, np.abs(time))
    return np.where(near, time, np.maximum(start, 0.0))


def _refuse(where: str, start: str, policy: UnknownStart, unknown: int, contradicted: int) -> None:
    if policy == "leave_out" or not unknown + contradicted:
        return
    problems = []
    advice = "Leave them out (unknown_start: leave_out), which is counted, or mend the data."
    if unknown:
        found = f"{unknown} patients were treated on a day that is not known ('{start}' is missing)"
        problems.append(Problem(where, found, advice=advice))
    if contradicted:
        found = f"{contradicted} patients have a start in '{start}' though they were not treated"
        problems.append(Problem(where, found, advice=advice))
    raise AnalysisError(problems)


def _findings(
    rows: SurvivalData,
    start: str,
    left: tuple[Flags, Flags],
    started: Array,
    kept: Flags,
) -> tuple[Finding, ...]:
    """Who was left out, and whose start lies where it means little."""
    unknown, contradicted = left
    time, event = rows.time[kept], rows.event[kept]
    last_day = (started == time) & (time > 0)
    said = (
        (
            "warning", "unknown_start", int(unknown.sum()),
            f"Treated on a day that is not known; {int((unknown & rows.event).sum())} of them have "
            "the event. They are left out, as the study chose.",
        ),
        (
            "warning", "start_without_treatment", int(contradicted.sum()),
            "A start, though not treated: left out, as the study chose.",
        ),
        (
            "info", "start_after_end", int((np.isfinite(started) & (started > time)).sum()),
            "The treatment started after the end of follow-up: these patients count as not treated "
            "while they were followed.",
        ),
        (
            "info", "start_on_last_day", int(last_day.sum()),
            f"The treatment started on the last day of follow-up; {int((last_day & event).sum())} "
            "of these patients have the event then. They count as not treated until then.",
        ),
    )  # fmt: skip
    return tuple(
        Finding(severity, SOURCE, start, "", rule, n, advice)  # type: ignore[arg-type]
        for severity, rule, n, advice in said
        if n
    )
