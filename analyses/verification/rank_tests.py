"""Log-rank tests by statsmodels and lifelines, and by plain sums over risk sets where they end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from analyses.results.records import Record
from analyses.verification.patients import (
    Patients,
    at_each,
    before_each,
    counts,
    levels,
    patients,
    strata,
    words,
)
from analyses.verification.programs import COUNTS, SUMS, lifelines, statsmodels
from analyses.verification.second import Second

if TYPE_CHECKING:
    import pandas as pd

    from analyses.results.frozen import Array
    from analyses.study.specs.logrank import LogRankSpec
    from cohort.table import TimeUnit

KIND = "logrank"
NEGATIVE = ("ihc_0", "ihc_1", "ihc_2_ish_negative")
PARTS = ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0))
SLIGHT = 1e-9  # a direction with so small a share of the variance is no direction
ADJUSTED = {"holm": "holm", "bh": "fdr_bh", "bonferroni": "bonferroni"}
NO_JOINT = "no library has the joint distribution of the weighted tests"


@dataclass(frozen=True, slots=True)
class Weighing:
    """What an event counts for: a named test, or Fleming and Harrington's exponents."""

    test: str = "logrank"
    rho: float = 0.0
    gamma: float = 0.0

    def of(self, d: Array, n: Array) -> Array:
        """The weight at each event time, by events and numbers at risk of all groups."""
        if self.test in ("gehan", "tarone_ware"):
            return n if self.test == "gehan" else np.sqrt(n)
        before = np.concatenate([[1.0], np.cumprod(1 - d / n)[:-1]])
        rho = 1.0 if self.test == "peto" else self.rho
        return np.asarray(before**rho * (1 - before) ** self.gamma)


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Observed and expected events by group, and the variance of their difference."""

    observed: Array
    expected: Array
    variance: Array

    def chi_square(self) -> tuple[float | None, int]:
        """The quadratic form of observed less expected, and its degrees of freedom."""
        size = np.sqrt(np.diag(self.variance))
        kept = size**2 > 1e-12 * max(float((size**2).max(initial=0.0)), 1e-300)
        if not kept.any():
            return None, 0
        scaled = (self.observed - self.expected)[kept] / size[kept]
        matrix = self.variance[np.ix_(kept, kept)] / np.outer(size[kept], size[kept])
        rank = int(np.linalg.matrix_rank(matrix, tol=SLIGHT, hermitian=True))
        inverse = np.linalg.pinv(matrix, rcond=SLIGHT, hermitian=True)
        return float(scaled @ inverse @ scaled), rank

    def trend(self, scores: Array) -> tuple[float | None, int]:
        """(c'U)^2 / c'Vc."""
        c = scores - scores.mean()
        variance = float(c @ self.variance @ c)
        if variance <= SLIGHT * float(c**2 @ np.diag(self.variance)):
            return None, 0
        return float(c @ (self.observed - self.expected)) ** 2 / variance, 1


def recomputed(spec: LogRankSpec, frame: pd.DataFrame, unit: TimeUnit) -> Iterator[Second]:
    """The test of all groups, of their pairs, of their trend, and the weighted tests together."""
    del unit
    rows = patients(frame, spec.endpoint, [spec.by, *spec.strata])
    weighing = Weighing(spec.test, spec.rho, spec.gamma)
    yield from logrank_records(spec.id, rows, spec.by, spec.strata, weighing)
    if spec.pairs != "none" and len(levels(rows.frame[spec.by])) > 2:
        yield from _pairs(spec, rows, weighing)
    if spec.trend != "none":
        yield from _trend(spec, frame, weighing)
    if spec.max_combo:
        yield from _combined(spec, rows)


def logrank_records(
    analysis: str,
    rows: Patients,
    by: str,
    within: Sequence[str] = (),
    weighing: Weighing | None = None,
) -> Iterator[Second]:
    """The test, and observed and expected events by group."""
    weighing = weighing or Weighing()
    named, groups = words(rows.frame[by]), levels(rows.frame[by])
    if len(groups) < 2:
        return
    yield from counts(analysis, KIND, rows)
    found = sums(rows, named, groups, within, weighing)
    statistic, df, program = tested(rows, named, found, within, weighing)
    record = Record(
        analysis,
        KIND,
        "logrank_test",
        term=by,
        n=rows.n,
        n_event=int(rows.event.sum()),
        **chance(statistic, df),
    )
    yield Second(record, program)
    yield from _by_group(analysis, rows, named, groups, found)


def _by_group(
    analysis: str, rows: Patients, named: Any, groups: Sequence[str], found: Sums
) -> Iterator[Second]:
    for place, group in enumerate(groups):
        own = (named == group).to_numpy()
        size: dict[str, Any] = {"n": int(own.sum()), "n_event": int(rows.event[own].sum())}
        for quantity in ("observed", "expected"):
            value = float(getattr(found, quantity)[place])
            record = Record(
                analysis, KIND, f"{quantity}_events", group=group, estimate=value, **size
            )
            yield Second(record, SUMS)


def sums(
    rows: Patients, named: Any, groups: Sequence[str], within: Sequence[str], weighing: Weighing
) -> Sums:
    """Sums over the event times of each stratum (Klein and Moeschberger, 2003, 7.3)."""
    k = len(groups)
    observed, expected, variance = np.zeros(k), np.zeros(k), np.zeros((k, k))
    members = [(named == group).to_numpy() for group in groups]
    for places in strata(rows, within):
        time, event, entry = rows.time[places], rows.event[places], rows.entry[places]
        at = np.unique(time[event])
        if not len(at):
            continue
        own = [member[places] for member in members]
        d = np.array([at_each(time[g & event], at) for g in own])
        n = np.array([before_each(entry[g], at) - before_each(time[g], at) for g in own])
        all_d, all_n = d.sum(axis=0), n.sum(axis=0)
        w = weighing.of(all_d, all_n)
        observed += (w * d).sum(axis=1)
        expected += (w * n * all_d / all_n).sum(axis=1)
        spread = w**2 * all_d * (all_n - all_d) / np.maximum(all_n - 1, 1)
        share = n / all_n
        variance += np.diag((spread * share).sum(axis=1)) - (spread * share) @ share.T
    return Sums(observed, expected, variance)


def tested(
    rows: Patients, named: Any, found: Sums, within: Sequence[str], weighing: Weighing
) -> tuple[float | None, int, str]:
    """Statistic, degrees of freedom and program: a library's where one is right for the case."""
    statistic, df = found.chi_square()
    if df < len(found.observed) - 1:
        return statistic, df, SUMS  # the libraries do not leave out a group never at risk
    status, labels = rows.event.astype(int), named.to_numpy()
    gamma_or_peto = weighing.gamma != 0 or weighing.test == "peto"
    # The library's weights fail where anybody's time is 0.
    if gamma_or_peto and not within and not rows.is_late and float(rows.time.min()) > 0:
        from lifelines.statistics import multivariate_logrank_test

        exponents = {"p": 1.0 if weighing.test == "peto" else weighing.rho, "q": weighing.gamma}
        result = multivariate_logrank_test(
            rows.time, labels, status, weightings="fleming-harrington", **exponents
        )
        return float(result.test_statistic), df, lifelines("multivariate_logrank_test")
    kinds = {"gehan": "gb", "tarone_ware": "tw"}
    plain = weighing.test in (*kinds, "logrank") and not (weighing.rho or weighing.gamma)
    # survdiff loses the entries of a stratum, and the weights where nobody is at risk.
    if gamma_or_peto or (rows.is_late and (within or not plain)):
        return statistic, df, SUMS
    from statsmodels.duration.survfunc import survdiff

    options: dict[str, Any] = {}
    if weighing.test in kinds:
        options["weight_type"] = kinds[weighing.test]
    elif weighing.rho:
        options |= {"weight_type": "fh", "fh_p": weighing.rho}
    if within:
        code = np.empty(rows.n, dtype=int)
        for place, members in enumerate(strata(rows, within)):
            code[members] = place
        options["strata"] = code
    entry = rows.entry if rows.is_late else None
    value = float(survdiff(rows.time, status, labels, entry=entry, **options)[0])
    if not np.isfinite(value):
        return statistic, df, SUMS
    return value, df, statsmodels("survdiff")


def chance(statistic: float | None, df: int) -> dict[str, Any]:
    """A chi-square statistic with its degrees of freedom and p-value."""
    from scipy.stats import chi2

    p = None if statistic is None else float(chi2.sf(statistic, df))
    return {"statistic": statistic, "df": df, "p_value": p}


def _pairs(spec: LogRankSpec, rows: Patients, weighing: Weighing) -> Iterator[Second]:
    """Each two groups by themselves, and their p-values adjusted."""
    from statsmodels.stats.multitest import multipletests

    named = words(rows.frame[spec.by])
    found = []
    for pair in combinations(levels(rows.frame[spec.by]), 2):
        own = rows.only(named.isin(pair).to_numpy())
        labels = words(own.frame[spec.by])
        sums_of = sums(own, labels, pair, spec.strata, weighing)
        statistic, df, program = tested(own, labels, sums_of, spec.strata, weighing)
        found.append((pair, own, chance(statistic, df), program))
    known = [values["p_value"] for _, _, values, _ in found if values["p_value"] is not None]
    adjusted = iter(multipletests(known, method=ADJUSTED[spec.pairs])[1] if known else ())
    for (first, second), own, values, program in found:
        place: dict[str, Any] = {"group": second, "reference": first, "n": own.n}
        place |= {"n_event": int(own.event.sum()), "df": values["df"]}
        name, kind = f"{spec.id}.pairs", "pairwise_logrank"
        rest = {key: values[key] for key in ("statistic", "p_value")}
        yield Second(Record(name, kind, "logrank_test", **place, **rest), program)
        p = None if values["p_value"] is None else float(next(adjusted))
        record = Record(name, kind, "logrank_adjusted_p", term=spec.pairs, p_value=p, **place)
        yield Second(record, statsmodels("multipletests"))


def _trend(spec: LogRankSpec, frame: pd.DataFrame, weighing: Weighing) -> Iterator[Second]:
    """The trend over all groups, or over the three kinds of HER2-negative disease."""
    by, name, everyone = spec.by, f"{spec.id}.trend", frame
    if spec.trend == "her2_negative":
        by = "her2_detail"
        detail = frame[by].astype(str)
        detail = detail.mask(detail.str.startswith("ihc_0_"), "ihc_0")
        # 2+ that a policy takes as low without an in-situ result.
        detail = detail.mask(detail == "ihc_2_ish_unknown", "ihc_2_ish_negative")
        frame = frame.assign(her2_detail=detail)[detail.isin(NEGATIVE)]
    rows = patients(frame, spec.endpoint, [by, *spec.strata])
    named = words(rows.frame[by])
    groups: Sequence[str] = [x for x in NEGATIVE if (named == x).any()]
    groups = levels(rows.frame[by]) if by == spec.by else groups
    scores = np.array(spec.scores or range(len(groups)), dtype=float)
    if len(groups) < 2 or len(scores) != len(groups):
        return
    if by != spec.by:
        yield from _told(name, everyone)
    yield from counts(name, KIND, rows)
    found = sums(rows, named, groups, spec.strata, weighing)
    total: dict[str, Any] = {"n": rows.n, "n_event": int(rows.event.sum())}
    record = Record(name, KIND, "logrank_test", term=by, **total, **chance(*found.trend(scores)))
    yield Second(record, SUMS)
    yield from _by_group(name, rows, named, groups, found)


def _told(name: str, frame: pd.DataFrame) -> Iterator[Second]:
    """Patients of the trend without an in-situ result, and those of zero or low outside of it."""
    detail = frame["her2_detail"].astype(str)
    unknown = detail == "ihc_2_ish_unknown"
    inside = unknown | detail.isin(NEGATIVE) | detail.str.startswith("ihc_0_")
    outside = frame["her2_status"].astype(str).isin(["zero", "low"]) & ~inside
    for quantity, which in (("n_ish_unknown", unknown), ("n_outside", outside)):
        if which.any():
            yield Second(Record(name, KIND, quantity, n=int(which.sum())), COUNTS)


def _combined(spec: LogRankSpec, rows: Patients) -> Iterator[Second]:
    """Four weighted tests; the p-value of their largest has no second program."""
    kind, name = "max_combo", f"{spec.id}.max_combo"
    named, groups = words(rows.frame[spec.by]), levels(rows.frame[spec.by])
    if len(groups) < 2:
        return
    yield from counts(name, kind, rows)
    total: dict[str, Any] = {"n": rows.n, "n_event": int(rows.event.sum()), "term": spec.by}
    best: dict[str, Any] = {"statistic": None, "df": 0, "p_value": None}
    for rho, gamma in PARTS:
        weighing = Weighing("logrank", rho, gamma)
        own = sums(rows, named, groups, spec.strata, weighing)
        statistic, df, program = tested(rows, named, own, spec.strata, weighing)
        values = chance(statistic, df)
        level = f"Fleming-Harrington ({rho:g}, {gamma:g})"
        yield Second(Record(name, kind, "max_combo_part", level=level, **total, **values), program)
        if statistic is not None and (
            best["p_value"] is None or (values["p_value"] or 0.0) < best["p_value"]
        ):
            best = values
    best = best | {"p_value": None}
    record = Record(name, kind, "max_combo_test", **total, **best)
    yield Second(record, SUMS, without=("p_value",), why=NO_JOINT)
