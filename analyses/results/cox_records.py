"""Records of a Cox model: one a number that the model gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from analyses.results.coefficient import TOO_LARGE, Coefficient
from analyses.results.detectable import detectable_of
from analyses.results.left_out import left_out_records
from analyses.results.records import Record
from analyses.results.weighting import weighting_records

if TYPE_CHECKING:
    from analyses.results.cox import CoxModel


def cox_records(model: CoxModel, analysis: str) -> Iterator[Record]:
    """Both scales of each coefficient, tests, concordance, fit, rows."""
    for c in model.coefficients:
        rest: dict[str, Any] = {"term": c.term, "level": c.level, "reference": c.reference}
        rest |= {"n": c.n, "n_event": c.n_event, "status": c.status}
        rest |= {"reason": c.reason, "unit": None if c.per is None else f"per {c.per:g}"}
        numbers = ("estimate", "std_error", "statistic", "p_value", "conf_low", "conf_high")
        values: dict[str, Any] = {name: getattr(c, name) for name in numbers}
        yield Record(analysis, "cox", "log_hazard_ratio", **values, **rest)
        ratio, low, high = c.hazard_ratio
        if ratio is None and c.estimate is not None:
            rest |= {"status": "not_estimable", "reason": TOO_LARGE}
        yield Record(
            analysis,
            "cox",
            "hazard_ratio",
            estimate=ratio,
            conf_low=low,
            conf_high=high,
            **rest,
        )
        yield from _detectable(model, analysis, c)
    counts: dict[str, Any] = {"n": model.n, "n_event": model.n_event}
    for test_of_all in model.tests:
        value = {name: getattr(test_of_all, name) for name in ("statistic", "df", "p_value")}
        yield Record(analysis, "cox", f"{test_of_all.name}_test", **value, **counts)
    for row in model.term_tests.to_dict("records"):
        test = {str(name): value for name, value in row.items()}
        yield Record(analysis, "cox", "term_test", **test, **counts)
    for row in model.constancy_tests.to_dict("records"):
        test = {str(name): value for name, value in row.items()}
        yield Record(analysis, "cox", "constancy_test", **test, **counts)
    c_index = model.concordance
    missing = c_index.estimate is None
    yield Record(
        analysis,
        "cox",
        "concordance",
        estimate=c_index.estimate,
        std_error=c_index.std_error,
        status="not_estimable" if missing else "ok",
        reason="no pair of patients can be compared" if missing else None,
        **counts,
    )
    fit = {"log_likelihood": model.log_likelihood, "aic": model.aic, "bic": model.bic}
    fit["log_likelihood_null"] = model.log_likelihood_null
    for name, number in fit.items():
        if number is not None:
            yield Record(analysis, "cox", name, estimate=number, **counts)
    yield from left_out_records(analysis, "cox", model.n, model.n_input, model.n_missing)
    yield from weighting_records(model.weighting, analysis, "cox")


def _detectable(model: CoxModel, analysis: str, c: Coefficient) -> Iterator[Record]:
    """What hazard ratio the events of a level and its reference could have shown."""
    found = detectable_of(model, c)
    if found is None:
        return
    for side, ratio in (("above", found.above), ("below", found.below)):
        yield Record(
            analysis,
            "cox",
            f"detectable_hazard_ratio_{side}",
            term=c.term,
            level=c.level,
            reference=c.reference,
            n=found.n + found.n_reference,
            n_event=found.n_event,
            estimate=ratio,
            status="ok" if ratio is not None else "not_estimable",
            reason=found.reason,
        )
