"""Published results read from their tables, with every check that a typed number may fail."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any, get_args

from analyses.estimators.survival_data import as_pandas
from analyses.evidence import published
from analyses.results.published import (
    Form,
    Kind,
    OverlapGroup,
    PublishedResult,
    PublishedResults,
    Verified,
)
from cohort.errors import DataError, Problem, listed, suggest
from cohort.table import Finding

SOURCE = "published_results"
COLUMNS = tuple("endpoint" if f.name == "endpoints" else f.name for f in fields(PublishedResult))
_WHOLE = ("year", "n", "n_first", "n_second")
_DECIMAL = ("estimate", "conf_low", "conf_high")
_NEEDED = ("id", "study", "reference", "population", "contrast", "endpoint", "measure")
_ALLOWED: Mapping[str, tuple[str, ...]] = {
    "kind": get_args(Kind),
    "form": get_args(Form),
    "verified": get_args(Verified),
    "stage": ("early", "metastatic", "mixed"),
    "adjusted": ("yes", "weighted", "partly", "no", "randomised", "mixed", "not_stated"),
    "assessment": ("", "BICR", "investigator"),
    "report": ("only", "latest", "first", "interim"),
}
_RATIOS = ("HR", "OR")
Row = dict[str, str]


def published_results(data: Any = None) -> PublishedResults:
    """What is published on HER2-low against HER2-zero disease and on treatment of HER2-low.

    Parameters
    ----------
    data
        Rows of one's own in the columns of the tables that come with this program (those of
        ``published_results().summary``), in their place. A pandas frame, or anything Narwhals
        reads. Groups of shared patients that are not known here hold what their name says.

    Returns
    -------
    PublishedResults
        Every row with source, verified mark, overlap group, contrast, population, endpoint and
        adjustment. A ratio that does not lie midway between its limits on the logarithmic scale,
        rounding allowed for, is a finding: it may be misprinted, or its limits not be Wald limits.

    Raises
    ------
    DataError
        Listing every row that lacks a source, names something that is not allowed, or whose
        numbers cannot be: a ratio outside its limits, an estimate where none is said to be.
    """
    own = data is not None
    rows = _texts(data) if own else [row for t in published.TABLES for row in published.read(t)]
    groups = tuple(
        OverlapGroup(r["overlap_group"], _parts(r["sources"]), r["basis"], r["meaning"])
        for r in published.read("overlap_groups")
    )
    known = None if own else {group.name for group in groups}
    problems = [*_columns(rows), *_repeated(rows)] if rows else [Problem(SOURCE, "no rows")]
    if not problems:
        problems = [p for row in rows for p in _checks(row, known)]
    if problems:
        raise DataError(problems)
    made = tuple(_result(row) for row in rows)
    texts = {row["id"]: row for row in rows}
    return PublishedResults(made, groups, tuple(_findings(made, texts)))


def _texts(data: Any) -> list[Row]:
    """The rows of a frame as text; whole numbers without a decimal point, missing as empty."""
    frame = as_pandas(data)

    def text(value: Any, missing: bool) -> str:
        if missing:
            return ""
        return f"{value:.12g}" if isinstance(value, float) else str(value).strip()

    absent = frame.isna()
    return [
        {str(name): text(frame[name].iloc[i], bool(absent[name].iloc[i])) for name in frame.columns}
        for i in range(len(frame))
    ]


def _columns(rows: Sequence[Row]) -> Iterator[Problem]:
    """Columns that are not there, or that nobody knows."""
    given = list(rows[0])
    for name in COLUMNS:
        if name not in given:
            advice = suggest(name, given)
            yield Problem(SOURCE, f"no column '{name}'", f"Columns: {listed(COLUMNS)}", advice)
    for name in given:
        if name not in COLUMNS:
            yield Problem(SOURCE, f"an unknown column '{name}'", "", suggest(name, COLUMNS))


def _repeated(rows: Sequence[Row]) -> Iterator[Problem]:
    ids = [row.get("id", "") for row in rows]
    for name in dict.fromkeys(i for i in ids if ids.count(i) > 1):
        yield Problem(f"{SOURCE}: '{name}'", f"{ids.count(name)} rows of this id")


def _checks(row: Row, groups: set[str] | None) -> Iterator[Problem]:
    """All that is wrong with one row."""
    where = f"{SOURCE}: '{row['id']}'"
    for name in _NEEDED:
        if not row[name]:
            yield Problem(f"{where}: {name}", "empty", advice="Say it; a result needs its source.")
    for name, allowed in _ALLOWED.items():
        if row[name] not in allowed:
            yield Problem(f"{where}: {name}", f"'{row[name]}'", f"One of {listed(allowed)}")
    yield from _group(row, where, groups)
    wrong = [
        *(_unreadable(row, where, _WHOLE, int, "a whole number")),
        *(_unreadable(row, where, _DECIMAL, float, "a number above 0")),
    ]
    yield from wrong or _numbers(row, where)


def _group(row: Row, where: str, groups: set[str] | None) -> Iterator[Problem]:
    """A study names the patients it shares; a meta-analysis shares those of its studies."""
    name = row["overlap_group"]
    if row["kind"] == "meta_analysis":
        if name:
            yield Problem(f"{where}: overlap_group", f"'{name}'", "Empty for a meta-analysis")
    elif not name:
        advice = "Name the registry, or the study itself where it shares no patients."
        yield Problem(f"{where}: overlap_group", "empty", advice=advice)
    elif groups is not None and name not in groups:
        yield Problem(f"{where}: overlap_group", f"'{name}'", listed(groups), suggest(name, groups))


def _unreadable(
    row: Row, where: str, names: Sequence[str], kind: Callable[[str], float], allowed: str
) -> Iterator[Problem]:
    for name in names:
        try:
            fine = not row[name] or (math.isfinite(kind(row[name])) and kind(row[name]) > 0)
        except ValueError:
            fine = False
        if not fine:
            yield Problem(f"{where}: {name}", f"'{row[name]}'", allowed)


def _numbers(row: Row, where: str) -> Iterator[Problem]:
    """The form says which numbers there are, and they stand in order."""
    estimate, low, high = (float(row[name]) if row[name] else None for name in _DECIMAL)
    limits = low is not None and high is not None
    some = estimate is not None or low is not None or high is not None
    if row["form"] == "estimate" and not (estimate is not None and limits):
        found = "a ratio with limits is announced and not given"
        yield Problem(where, found, advice="Give them, or say `no_limits`.")
    elif row["form"] == "no_limits" and (estimate is None or low is not None or high is not None):
        yield Problem(where, "a ratio without limits is announced, something else is given")
    elif row["form"] not in ("estimate", "no_limits") and some:
        yield Problem(where, f"numbers are given with the form '{row['form']}'")
    elif estimate is not None and row["measure"] not in _RATIOS:
        yield Problem(f"{where}: measure", f"'{row['measure']}'", f"One of {listed(_RATIOS)}")
    elif _disordered(estimate, low, high):
        yield Problem(where, f"{estimate:g} does not lie within {low:g} to {high:g}")


def _disordered(estimate: float | None, low: float | None, high: float | None) -> bool:
    """Whether there are three numbers that do not stand in order, or limits without width."""
    if estimate is None or low is None or high is None:
        return False
    return not low <= estimate <= high or low == high


def _result(row: Row) -> PublishedResult:
    values: dict[str, Any] = {name: row[name] for name in COLUMNS if name != "endpoint"}
    values |= {name: int(row[name]) if row[name] else None for name in _WHOLE}
    values |= {name: float(row[name]) if row[name] else None for name in _DECIMAL}
    return PublishedResult(endpoints=_parts(row["endpoint"]), **values)


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(";") if part.strip())


def _findings(rows: Sequence[PublishedResult], texts: Mapping[str, Row]) -> Iterator[Finding]:
    """Ratios off the middle of their limits."""
    for row in rows:
        if row.form == "estimate" and _off_centre(*(texts[row.id][name] for name in _DECIMAL)):
            advice = (
                f"{row.label}: the ratio does not lie midway between its limits on the logarithmic "
                "scale, even allowing for rounding. Its standard error is taken from their width."
            )
            value = f"{row.estimate:g} ({row.conf_low:g} to {row.conf_high:g})"
            yield Finding("info", SOURCE, row.id, value, "off_centre", 1, advice, "result")


def _off_centre(*texts: str) -> bool:
    """Whether no numbers that are printed as these three lie midway on the log scale."""
    half = [0.5 * 10.0 ** -len(text.partition(".")[2]) for text in texts]
    estimate, low, high = (float(text) for text in texts)
    least = math.sqrt(max(low - half[1], 0.0) * (high - half[2]))
    most = math.sqrt((low + half[1]) * (high + half[2]))
    return estimate + half[0] < least or estimate - half[0] > most
