"""The software of a run, and what the estimators it used were held against."""

from __future__ import annotations

from collections.abc import Iterator

from analyses.report.manifest import versions
from analyses.report.words import joined
from analyses.results.lifetimes import FAMILY_WORDS
from analyses.results.study import (
    Analysis,
    CoxAnalysis,
    CurveAnalysis,
    FineGrayAnalysis,
    IncidenceAnalysis,
    ParametricAnalysis,
    PerformanceAnalysis,
    RmstAnalysis,
    StudyResult,
    TableAnalysis,
    TestAnalysis,
)

_SURVIVAL, _CMPRSK = "survival 3.5", "cmprsk 2.2"
_BASE, _WRITTEN = "base R", "formulas written out in R"
_ORDER = (_SURVIVAL, _CMPRSK, _BASE, _WRITTEN)
_BY_SURVREG = ("weibull", "lognormal", "loglogistic")

Referee = tuple[str, str]  # which, of what


def software_sentences(result: StudyResult) -> str:
    """The programs with their versions; what each estimator of the study agrees with."""
    found = versions()
    said = (
        f"Software: her2low {found['her2low']} on Python {found['python']} with NumPy "
        f"{found['numpy']}, SciPy {found['scipy']}, pandas {found['pandas']}, DuckDB "
        f"{found['duckdb']}, Matplotlib {found['matplotlib']}, Typst {found['typst']}."
    )
    held = dict.fromkeys(r for analysis in result.analyses for r in _referees(analysis))
    parts = []
    for referee in _ORDER:
        of = joined([what for which, what in held if which == referee])
        if of:
            parts.append(f"{referee} ({of})")
    if not parts:
        return said
    return f"{said} On committed reference values the estimators agree with R: {'; '.join(parts)}."


def _referees(analysis: Analysis) -> Iterator[Referee]:
    """What an analysis was held against, part by part."""
    if isinstance(analysis, TableAnalysis):
        yield _BASE, "features"
    elif isinstance(analysis, CurveAnalysis):
        yield _SURVIVAL, "Kaplan-Meier"
        if analysis.test is not None:
            yield _SURVIVAL, "log-rank"
    elif isinstance(analysis, TestAnalysis):
        yield from _of_tests(analysis)
    elif isinstance(analysis, RmstAnalysis):
        yield _SURVIVAL, "restricted means"
    elif isinstance(analysis, CoxAnalysis):
        firth = analysis.adjusted.penalty is not None
        yield (_WRITTEN, "Firth's penalty") if firth else (_SURVIVAL, "Cox models")
    else:
        yield from _of_others(analysis)


def _of_tests(analysis: TestAnalysis) -> Iterator[Referee]:
    plain = analysis.test.kind == "log-rank"
    yield (_SURVIVAL, "log-rank") if plain else (_WRITTEN, f"{analysis.test.kind} test")
    if analysis.trend is not None:
        yield _WRITTEN, "trend"
    if analysis.combo is not None:
        yield _WRITTEN, "max-combo"


def _of_others(analysis: Analysis) -> Iterator[Referee]:
    """Competing risks, parametric models, performance."""
    if isinstance(analysis, IncidenceAnalysis):
        yield _SURVIVAL, "cumulative incidence"
        if analysis.test is not None:
            yield _CMPRSK, "Gray's test"
    elif isinstance(analysis, FineGrayAnalysis):
        yield _of_subdistribution(analysis)
    elif isinstance(analysis, ParametricAnalysis):
        for fit in analysis.result.fits:
            theirs = fit.family in _BY_SURVREG
            yield (_SURVIVAL if theirs else _WRITTEN), f"{FAMILY_WORDS[fit.family]} model"
    elif isinstance(analysis, PerformanceAnalysis):
        yield _SURVIVAL, "Cox models"
        yield _SURVIVAL, "concordance"
        yield _WRITTEN, "other measures of performance"


def _of_subdistribution(analysis: FineGrayAnalysis) -> Referee:
    """``crr`` has neither delayed entry nor strata nor clusters."""
    model = analysis.model
    if model.strata or model.cluster is not None:
        return _WRITTEN, "Fine and Gray with strata or clusters"
    if model.entry is not None:
        return _SURVIVAL, "Fine and Gray with delayed entry"
    return _CMPRSK, "Fine and Gray"
