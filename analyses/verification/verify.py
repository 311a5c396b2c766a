"""Every number of a study beside an independent program's, from the same selected patients."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from analyses.results.records import Record
from analyses.results.verification import Compared, Verification
from analyses.verification.absent import reason, unknown_option
from analyses.verification.comparing import compared, present
from analyses.verification.programs import lifelines, quietly, running, statsmodels
from analyses.verification.second import Broken, Second, Silent
from cohort.table import TimeUnit

if TYPE_CHECKING:
    import pandas as pd

    Asked = tuple[Any, pd.DataFrame | None]


def verified(asked: Sequence[Asked], records: Iterable[Record], unit: TimeUnit) -> Verification:
    """The records of every analysis beside what a second program makes of its patients.

    Parameters
    ----------
    asked
        Each analysis of the study as asked for, with its own rows of the selected patients (None
        where it is not about the patients' rows).
    records
        Of the study, those of other parts among them, which are passed over.
    unit
        Unit of follow-up.

    Returns
    -------
    Verification
        One row a quantity; what no second program makes is a row with its reason.
    """
    by_analysis: dict[str, list[Record]] = {spec.id: [] for spec, _ in asked}
    for record in records:
        name = record.analysis.split(".")[0]
        if name in by_analysis and record.kind != "attrition":
            by_analysis[name].append(record)
    rows: list[Compared] = []
    with quietly():
        for spec, frame in asked:
            rows += _analysis(spec, frame, by_analysis[spec.id], unit)
    named = (lifelines("").strip(), statsmodels("").strip())
    used = tuple(name for name in named if any(row.program.startswith(name) for row in rows))
    return Verification(tuple(rows), used)


def _analysis(
    spec: Any, frame: pd.DataFrame | None, own: Sequence[Record], unit: TimeUnit
) -> Iterator[Compared]:
    recompute = second_programs().get(spec.kind)
    if recompute is None or frame is None:
        yield from _unchecked(spec, own, "no second program for this kind of analysis")
        return
    if all(record.status == "failed" for record in own):
        return
    why = unknown_option(spec)
    if why:
        yield from _unchecked(spec, own, why)
        return
    yield from compared(own, _until_broken(recompute(spec, frame, unit)))


def _until_broken(seconds: Iterator[Second | Silent]) -> Iterator[Second | Silent | Broken]:
    """What a second program makes, and that it failed where it did.

    A check must not end the run that it checks, whatever the libraries raise.
    """
    try:
        yield from seconds
    except Exception as error:  # noqa: BLE001
        said = " ".join(str(error).split()) or "no message"
        yield Broken(
            f"the independent program failed ({running(error)}: {type(error).__name__}: {said})"
        )


def _unchecked(spec: Any, own: Sequence[Record], otherwise: str) -> Iterator[Compared]:
    """One row for an analysis as a whole."""
    n = sum(len(present(record)) for record in own if record.status != "failed")
    if n:
        why = reason(own[0], otherwise)
        yield Compared(spec.id, spec.kind, "all", n, None, None, None, "none independent", "", why)


def second_programs() -> dict[str, Callable[[Any, Any, TimeUnit], Iterator[Second | Silent]]]:
    """The second program of each kind; imported late, since the libraries are."""
    from analyses.verification import curves, incidence, models, rank_tests, restricted_means

    return {
        "kaplan_meier": curves.recomputed,
        "logrank": rank_tests.recomputed,
        "rmst": restricted_means.recomputed,
        "cox": models.recomputed,
        "cumulative_incidence": incidence.recomputed,
    }
