"""Declared terms of a model, learnt on the rows that it will be fitted to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analyses.results.terms import BETWEEN, Term, as_text
from cohort.errors import AnalysisError, Problem, listed, suggest
from cohort.table import Finding

TermSpec = str | Mapping[str, Any]
KEYS = ("name", "reference", "levels", "per", "spline", "interaction", "time_varying")
FUNCTIONS = ("log",)  # of time, with which a coefficient may change
HARRELL = {  # knots of a restricted cubic spline by degrees of freedom: Harrell (2015), table 2.3
    2: (0.10, 0.50, 0.90),
    3: (0.05, 0.35, 0.65, 0.95),
    4: (0.05, 0.275, 0.50, 0.725, 0.95),
    5: (0.05, 0.23, 0.41, 0.59, 0.77, 0.95),
    6: (0.025, 0.1833, 0.3417, 0.50, 0.6583, 0.8167, 0.975),
}
FEW_ROWS = 100  # below this, Harrell puts the outer knots at the fifth smallest and largest values


@dataclass(frozen=True, slots=True)
class Declared:
    """One term as asked for, its keys checked; nothing of the data is known yet."""

    name: str
    reference: str | None = None
    levels: tuple[str, ...] | None = None
    per: float = 1.0
    spline_df: int | None = None
    parts: tuple[str, ...] = ()
    cuts: tuple[float, ...] = ()
    function: str | None = None

    @property
    def is_over_time(self) -> bool:
        """Whether the coefficient may change over time."""
        return bool(self.cuts) or self.function is not None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the table that the term needs."""
        return self.parts or (self.name,)


def declared(terms: Sequence[TermSpec]) -> tuple[Declared, ...]:
    """Terms as asked for, every mistake in them listed in one AnalysisError.

    A term is a column's name, or a mapping with `name` and, for a category, `reference` and
    `levels`; for a number `per` (the coefficient is for that many units) or `spline: {df: 4}`;
    or `{"interaction": [a, b]}` of two terms that are declared as well. With `time_varying:
    {cut: [24, 60]}` a term has a coefficient for each period, with `time_varying: "log"` one for
    its product with the logarithm of time.
    """
    if isinstance(terms, str | Mapping):
        terms = [terms]
    problems: list[Problem] = []
    result = [_declared(f"terms[{i}]", term, problems) for i, term in enumerate(terms)]
    if not result:
        problems.append(Problem("terms", "no term was given", advice="Name at least one column."))
    if not problems:
        problems += _together(result)
    if problems:
        raise AnalysisError(problems)
    return tuple(result)


def learn(
    terms: Sequence[Declared],
    frame: pd.DataFrame | Mapping[str, pd.Series[Any]],
    *,
    of_periods: bool = False,
) -> tuple[tuple[Term, ...], tuple[Finding, ...]]:
    """The terms with the levels and knots of these complete rows, and what was noted of them.

    Raises
    ------
    AnalysisError
        Listing every problem: text without levels, a value that is not a level, a reference
        that no row has, a number that is not finite, too few values for a spline; and terms that
        vary over time where the model has no periods (`of_periods`).
    """
    problems: list[Problem] = []
    if not of_periods:
        problems += [_no_periods(term) for term in terms if term.is_over_time]
    findings: list[Finding] = []
    learnt: dict[str, Term] = {}
    for term in terms:
        if term.parts:
            continue
        try:
            learnt[term.name] = _learnt(term, frame[term.name], findings)
        except AnalysisError as error:
            problems += error.problems
    if problems:
        raise AnalysisError(problems)
    result = [
        Term(term.name, "interaction", parts=tuple(learnt[name] for name in term.parts))
        if term.parts
        else learnt[term.name]
        for term in terms
    ]
    return tuple(result), tuple(findings)


def _declared(where: str, term: TermSpec, problems: list[Problem]) -> Declared:
    if isinstance(term, str):
        return Declared(term)
    before = len(problems)
    for key in term:
        if key not in KEYS:
            advice = suggest(str(key), KEYS)
            found = f"unknown key '{key}'"
            problems.append(Problem(where, found, f"Keys: {listed(KEYS)}", advice))
    if "interaction" in term:
        return _interaction(where, term, problems)
    if not isinstance(term.get("name"), str):
        problems.append(Problem(where, "no 'name' of a column", f"Keys: {listed(KEYS)}"))
    df = _spline_df(where, term.get("spline"), problems)
    cuts, function = _time_varying(where, term.get("time_varying"), problems)
    per, levels, reference = term.get("per", 1.0), term.get("levels"), term.get("reference")
    if isinstance(per, bool) or not isinstance(per, int | float) or not 0 < per < np.inf:
        problems.append(Problem(where, f"per: {per!r}", "Allowed: a number above 0"))
    if levels is not None and (isinstance(levels, str) or len({*map(str, levels)}) != len(levels)):
        problems.append(Problem(where, f"levels: {levels!r}", "Allowed: a list without repeats"))
    if {"levels", "reference"} & set(term) and {"spline", "per"} & set(term):
        found = "levels or a reference (a category) together with per or spline (a number)"
        problems.append(Problem(where, found, advice="Keep the one that is meant."))
    if len(problems) > before:
        return Declared("")
    return Declared(
        term["name"],
        None if reference is None else str(reference),
        None if levels is None else tuple(map(str, levels)),
        float(per),
        df,
        cuts=cuts,
        function=function,
    )


def _time_varying(
    where: str, asked: Any, problems: list[Problem]
) -> tuple[tuple[float, ...], str | None]:
    """Cuts of follow-up, or a function of time; neither where the term is constant."""
    if asked is None:
        return (), None
    if isinstance(asked, str) and asked in FUNCTIONS:
        return (), asked
    given = asked.get("cut") if isinstance(asked, Mapping) and set(asked) == {"cut"} else None
    given = [given] if isinstance(given, int | float) else given
    if isinstance(given, list | tuple) and given:
        numbers = [x for x in given if isinstance(x, int | float) and not isinstance(x, bool)]
        rising = all(0 < a < np.inf for a in numbers) and numbers == sorted(set(numbers))
        if rising and len(numbers) == len(given):
            return tuple(float(x) for x in numbers), None
    allowed = f"Allowed: {{cut: [24, 60]}} (times that rise, above 0), or {listed(FUNCTIONS)}"
    problems.append(Problem(where, f"time_varying: {asked!r}", allowed))
    return (), None


def _no_periods(term: Declared) -> Problem:
    return Problem(
        f"term '{term.name}'",
        "time_varying, which this model does not have",
        advice="Fit a Cox model (`cox`) to rows in memory, or leave `time_varying` out.",
    )


def _spline_df(where: str, spline: Any, problems: list[Problem]) -> int | None:
    if spline is None:
        return None
    df = spline.get("df") if isinstance(spline, Mapping) and set(spline) == {"df"} else None
    if isinstance(df, int) and df in HARRELL:
        return df
    allowed = f"Allowed: {{df: n}} with n one of {listed(map(str, HARRELL))}"
    problems.append(Problem(where, f"spline: {spline!r}", allowed))
    return None


def _interaction(where: str, term: Mapping[str, Any], problems: list[Problem]) -> Declared:
    parts = term["interaction"]
    wrong = isinstance(parts, str) or len(parts) != 2 or parts[0] == parts[1]
    if wrong or set(term) != {"interaction"}:
        problems.append(Problem(where, f"{dict(term)!r}", "Allowed: interaction: [one, other]"))
        return Declared("")
    return Declared(BETWEEN.join(parts), parts=tuple(parts))


def _together(terms: Sequence[Declared]) -> list[Problem]:
    """Problems of the list as a whole: a term twice, an interaction without its parts."""
    names = [term.name for term in terms]
    problems = [
        Problem("terms", f"'{name}' is declared twice")
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    changing = {term.name for term in terms if term.is_over_time}
    for term in terms:
        both = [part for part in term.parts if part in changing]
        if both:
            found = f"'{both[0]}' varies over time"
            advice = "Keep the interaction or `time_varying`, or fit the model by stratum."
            problems.append(Problem(f"interaction of {listed(term.parts)}", found, advice=advice))
        absent = [part for part in term.parts if part not in names]
        if absent:
            problems.append(
                Problem(
                    f"interaction of {listed(term.parts)}",
                    f"not among the terms: {listed(absent)}",
                    advice="Declare both parts as terms too: their references are used.",
                )
            )
    return problems


def _learnt(term: Declared, values: pd.Series[Any], findings: list[Finding]) -> Term:
    numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    if term.levels is None and term.reference is None and numeric:
        return _number(term, values)
    if term.spline_df is not None or term.per != 1:
        raise _refused(term, "not numbers, so neither 'per' nor 'spline' means anything")
    return _category(term, values, findings)


def _number(term: Declared, values: pd.Series[Any]) -> Term:
    numbers = values.to_numpy(dtype=float)
    infinite = int((~np.isfinite(numbers)).sum())
    if infinite:
        raise _refused(term, f"{infinite} values are not finite", "Mend or exclude these rows.")
    if term.spline_df is None:
        return Term(term.name, "number", per=term.per)
    return Term(term.name, "spline", per=term.per, knots=_knots(term, numbers))


def _knots(term: Declared, numbers: np.ndarray[Any, Any]) -> tuple[float, ...]:
    """Harrell's quantiles; below 100 rows the outer ones are the fifth smallest and largest."""
    shares = HARRELL[int(term.spline_df or 0)]
    knots = np.quantile(numbers, shares)
    if 2 * 5 <= len(numbers) < FEW_ROWS:
        ordered = np.sort(numbers)
        knots[0], knots[-1] = ordered[4], ordered[-5]
    if (np.diff(knots) <= 0).any():
        raise _refused(
            term,
            f"too few different values for a spline of {term.spline_df} degrees of freedom",
            "Ask for fewer, or use the number itself.",
        )
    return tuple(float(knot) for knot in knots)


def _category(term: Declared, values: pd.Series[Any], findings: list[Finding]) -> Term:
    order = _order(term, values)
    present = _present(values)
    unknown = sorted(present - set(order))
    if unknown:
        raise _refused(
            term,
            f"values not among the levels: {listed(unknown)}",
            allowed=f"Levels: {listed(order)}",
        )
    levels = tuple(level for level in order if level in present)
    if term.reference is not None and term.reference not in levels:
        rows = "has no complete row" if term.reference in order else "does not exist"
        raise _refused(
            term,
            f"the reference level '{term.reference}' {rows}",
            suggest(term.reference, levels),
            f"Levels: {listed(levels)}",
        )
    unobserved = tuple(level for level in order if level not in present)
    reference = term.reference or levels[0]
    findings += [_unobserved(term, level, order, reference) for level in unobserved]
    return Term(term.name, "category", levels, reference, unobserved)


def _order(term: Declared, values: pd.Series[Any]) -> tuple[str, ...]:
    """Levels in the order declared, by the term or by the column."""
    dtype = values.dtype
    if term.levels is not None:
        return term.levels
    if isinstance(dtype, pd.CategoricalDtype) and (dtype.ordered or term.reference is not None):
        return tuple(map(str, dtype.categories))
    words = _present(values)
    if words <= {"True", "False"}:
        return ("False", "True")
    raise _refused(
        term,
        "a category without declared levels has no reference",
        f"Give {{'name': '{term.name}', 'levels': [...]}} or an ordered categorical.",
        f"Values: {listed(sorted(words))}",
    )


def _present(values: pd.Series[Any]) -> set[str]:
    """Levels that have a row, as words."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return {str(values.dtype.categories[code]) for code in values.cat.codes.unique()}
    return set(as_text(values).unique())


def _unobserved(term: Declared, level: str, order: Sequence[str], reference: str) -> Finding:
    advice = "The level has no complete row and is left out of the model."
    if level == order[0] and term.reference is None:
        advice += f" It was to be the reference; '{reference}' is used instead."
        return Finding("warning", "cox", term.name, level, "reference_not_observed", 0, advice)
    return Finding("info", "cox", term.name, level, "level_not_observed", 0, advice)


def _refused(term: Declared, found: str, advice: str = "", allowed: str = "") -> AnalysisError:
    return AnalysisError(Problem(f"term '{term.name}'", found, allowed, advice))
