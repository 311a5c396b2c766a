"""Proportional-hazards models by statsmodels, their concordance by lifelines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from analyses.results.records import Record
from analyses.verification.columns import Base, Made, made
from analyses.verification.curves import normal
from analyses.verification.partial_likelihood import Fitted, fitted
from analyses.verification.patients import Patients, counts, patients
from analyses.verification.programs import COUNTS, lifelines, statsmodels
from analyses.verification.rank_tests import chance
from analyses.verification.second import ITERATED, Second, Silent

if TYPE_CHECKING:
    import pandas as pd

    from analyses.results.frozen import Array
    from analyses.study.specs.cox import CoxSpec
    from cohort.table import TimeUnit

KIND = "cox"
CLUSTERED = "no library has the variance of clustered rows right where times tie"
OTHER_TERMS = "no second program takes terms of this kind"
SPREAD = ("std_error", "statistic", "p_value", "conf_low", "conf_high")


def recomputed(spec: CoxSpec, frame: pd.DataFrame, unit: TimeUnit) -> Iterator[Second | Silent]:
    """The adjusted model, and that of each term alone."""
    del unit
    if spec.cause == "competing":
        state = frame[f"{spec.endpoint}_state"]
        other = (state == "competing").where(state.notna())
        frame = frame.assign(**{f"{spec.endpoint}_event": other})
    terms = [term.declared() for term in spec.terms]
    yield from _model(spec.id, spec, frame, terms)
    if spec.univariable and len(terms) > 1:
        for term in terms:
            if "interaction" not in term:
                yield from _model(f"{spec.id}.univariable.{term['name']}", spec, frame, [term])


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    """One model's rows, columns and fit, with what its records share."""

    analysis: str
    spec: CoxSpec
    rows: Patients
    columns: list[Made]
    bases: list[Base]
    fit: Fitted

    @property
    def total(self) -> dict[str, Any]:
        """Patients and events of the model."""
        return {"n": self.rows.n, "n_event": int(self.rows.event.sum())}

    def size(self, member: Any) -> dict[str, Any]:
        """Patients and events of a level; everybody for a number."""
        if member is None:
            return self.total
        return {"n": int(member.sum()), "n_event": int(self.rows.event[member].sum())}


def _model(
    analysis: str, spec: CoxSpec, frame: pd.DataFrame, terms: Sequence[Mapping[str, Any]]
) -> Iterator[Second | Silent]:
    named = [name for term in terms for name in term.get("interaction", (term.get("name"),))]
    cluster = [spec.cluster] if spec.cluster is not None else []
    rows = patients(frame, spec.endpoint, [*map(str, named), *spec.strata, *cluster])
    yield from counts(analysis, KIND, rows)
    found = made(terms, rows.frame)
    if found is None:
        yield Silent(analysis, OTHER_TERMS)
        return
    if not found[0] or not rows.event.any():
        return
    columns, bases = found
    for base in bases:
        yield from _reference(analysis, rows, base)
    fit = fitted(rows, columns, spec.strata, spec.ties)
    if isinstance(fit, str):
        yield Silent(analysis, fit)
        return
    model = _Model(analysis, spec, rows, columns, bases, fit)
    for place, column in enumerate(columns):
        yield from _coefficient(model, place, column)
    yield from _tests(model)
    yield from _likelihood(model)
    yield _concordance(model)


def _reference(analysis: str, rows: Patients, base: Base) -> Iterator[Second]:
    size: dict[str, Any] = {
        "n": int(base.member.sum()),
        "n_event": int(rows.event[base.member].sum()),
    }
    place: dict[str, Any] = {"term": base.term, "level": base.level, "reference": base.level}
    for quantity, value in (("log_hazard_ratio", 0.0), ("hazard_ratio", 1.0)):
        record = Record(analysis, KIND, quantity, **place, **size, estimate=value)
        yield Second(record, statsmodels("PHReg"), ITERATED)


def _coefficient(model: _Model, place: int, column: Made) -> Iterator[Second]:
    """Both scales of one column; without numbers where its level has no event."""
    program, size = statsmodels("PHReg"), model.size(column.member)
    at: dict[str, Any] = {"term": column.term, "level": column.level}
    at |= {"reference": column.reference} | size
    position = model.fit.position(place)
    if position is None:
        for quantity in ("log_hazard_ratio", "hazard_ratio"):
            yield Second(Record(model.analysis, KIND, quantity, **at), program, ITERATED)
        return
    beta = float(model.fit.beta[position])
    error = float(np.sqrt(model.fit.covariance[position, position]))
    values: dict[str, Any] = {"estimate": beta} | normal(beta, error, model.spec.conf_level)
    clustered = model.spec.cluster is not None
    ratio: dict[str, Any] = {
        name: float(np.exp(values[name])) for name in ("estimate", "conf_low", "conf_high")
    }
    for quantity, numbers in (("log_hazard_ratio", values), ("hazard_ratio", ratio)):
        without = tuple(name for name in SPREAD if clustered and name in numbers)
        kept = {name: value for name, value in numbers.items() if name not in without}
        record = Record(model.analysis, KIND, quantity, **at, **kept)
        yield Second(record, program, ITERATED, without, CLUSTERED if without else "")


def _tests(model: _Model) -> Iterator[Second]:
    """Likelihood-ratio, Wald and score tests of all columns, and Wald tests of each term."""
    fit, program = model.fit, statsmodels("PHReg")
    if model.spec.cluster is not None:
        yield from _untested(model)
        return
    likely = 2 * (fit.log_likelihood - fit.log_likelihood_null)
    tests = {
        "likelihood_ratio": (likely, len(model.columns)),
        "wald": fit.wald(range(len(fit.beta))),
    }
    tests["score"] = (fit.score, len(model.columns))
    for name, (statistic, df) in tests.items():
        record = Record(
            model.analysis, KIND, f"{name}_test", **model.total, **chance(statistic, df)
        )
        yield Second(record, program, ITERATED)
    for term, places in _places(model).items():
        values = chance(*fit.wald(places))
        record = Record(model.analysis, KIND, "term_test", term=term, **model.total, **values)
        yield Second(record, program, ITERATED)


def _untested(model: _Model) -> Iterator[Second]:
    """Wald tests need the variance of clusters."""
    program, without = statsmodels("PHReg"), ("statistic", "p_value")
    df = len(model.fit.beta)
    record = Record(model.analysis, KIND, "wald_test", df=df, **model.total)
    yield Second(record, program, ITERATED, without, CLUSTERED)
    for term, places in _places(model).items():
        record = Record(model.analysis, KIND, "term_test", term=term, df=len(places), **model.total)
        yield Second(record, program, ITERATED, without, CLUSTERED)


def _places(model: _Model) -> dict[str, list[int]]:
    """Positions among the estimated coefficients, by term."""
    found: dict[str, list[int]] = {}
    for place, column in enumerate(model.columns):
        position = model.fit.position(place)
        if position is not None:
            found.setdefault(column.term, []).append(position)
    return found


def _likelihood(model: _Model) -> Iterator[Second]:
    fit, p = model.fit, len(model.columns)
    values = {"log_likelihood": fit.log_likelihood, "log_likelihood_null": fit.log_likelihood_null}
    if model.spec.cluster is None:
        values["aic"] = 2 * p - 2 * fit.log_likelihood
        values["bic"] = p * float(np.log(model.rows.event.sum())) - 2 * fit.log_likelihood
    for quantity, value in values.items():
        record = Record(model.analysis, KIND, quantity, estimate=value, **model.total)
        yield Second(record, statsmodels("PHReg"), ITERATED)


def _concordance(model: _Model) -> Second:
    """Concordance of the second program's own hazards; its error has no second program."""
    rows = model.rows
    error = ("std_error",)
    if rows.is_late or model.spec.strata:
        record = Record(model.analysis, KIND, "concordance", **model.total)
        why = "no library has concordance with delayed entry or within strata"
        return Second(record, COUNTS, ITERATED, ("estimate", *error), why)
    from lifelines.utils import concordance_index

    try:
        c = float(concordance_index(rows.time, -_hazards(model), rows.event))
    except ZeroDivisionError:  # no pair of patients can be compared
        c = None
    record = Record(model.analysis, KIND, "concordance", estimate=c, **model.total)
    why = "no library has the standard error of concordance"
    return Second(record, lifelines("concordance_index"), ITERATED, error, why)


def _hazards(model: _Model) -> Array:
    """Log hazards, lowest where a level has no event."""
    kept = [c.numbers for i, c in enumerate(model.columns) if model.fit.position(i) is not None]
    linear = np.column_stack(kept) @ model.fit.beta if kept else np.zeros(model.rows.n)
    # Sums in another order differ in the last digits; patients alike must stay alike.
    linear = np.round(linear, 10)
    linear[model.fit.away] = linear.min() - 1
    return linear
