"""The robustness of a Cox model, from its patients to its outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from analyses.results.failure import Failure
from analyses.results.robust import Estimate
from analyses.results.study import CoxAnalysis
from analyses.study.outcome import Outcome, ending, failure_of, finished
from cohort.errors import AnalysisError, Problem, listed

if TYPE_CHECKING:
    import pandas as pd

    from analyses.results.coefficient import Coefficient
    from analyses.results.cox import CoxModel
    from analyses.results.robustness import ContrastRobustness
    from analyses.study.setting import Setting
    from analyses.study.specs.robustness import RobustnessSpec
    from cohort.table import Finding

T = TypeVar("T")
SCORES = {"0": "zero", "1+": "low"}  # the groups that a misread score moves patients between
MAY_BE_MISREAD = "\x00may be misread"  # a column that no user has
TITLE = "Robustness"


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """The model, its patients, and what came of each part on the way."""

    spec: RobustnessSpec
    model: CoxModel
    frame: pd.DataFrame
    event: str
    setting: Setting
    failures: list[Failure] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def part(self, level: str, what: str, make: Callable[[], T]) -> T | None:
        """A part, or None with a failure in its place; the others stand."""
        try:
            made = make()
        except AnalysisError as error:
            failure = failure_of(self.spec, self.frame, error)
            name = f"{self.spec.id}.{level}"
            self.failures.append(
                Failure(
                    name, failure.kind, level, what, failure.reason, failure.n, failure.n_event,
                    failure.advice,
                )
            )  # fmt: skip
            return None
        self.findings.extend(getattr(made, "findings", ()))
        return made


def robust(spec: RobustnessSpec, frame: pd.DataFrame, setting: Setting) -> Outcome:
    """Every contrast's E-value, detectable ratio, tipping points, misreading, and single units."""
    from analyses.results.robustness import RobustnessAnalysis

    earlier = setting.earlier.get(spec.of)
    if not isinstance(earlier, CoxAnalysis):
        found = f"the model '{spec.of}' has no estimate"
        raise AnalysisError(Problem("robustness", found, advice="See the failure of the model."))
    event = f"{spec.endpoint}_event"
    if spec.model.cause == "competing":
        from analyses.estimators.states import happened

        frame, event = happened(frame, ending(spec, frame), spec.model.cause)
    if spec.scored:
        scored = frame["her2_ihc"].astype("object").isin(list(SCORES))
        frame = frame.assign(**{MAY_BE_MISREAD: scored})
    asked = _Asked(spec, earlier.adjusted, frame, event, setting)
    contrasts = tuple(one for c in _contrasts(asked) if (one := _contrast(asked, c)) is not None)
    if not contrasts:
        reasons = listed(dict.fromkeys(failure.reason for failure in asked.failures))
        raise AnalysisError(Problem("robustness", f"no contrast has an estimate: {reasons}"))
    source = "" if spec.misreading is None else spec.misreading.source
    title = spec.title or f"{TITLE} of {earlier.title[:1].lower() + earlier.title[1:]}"
    made = RobustnessAnalysis(spec.id, title, spec.endpoint, spec.of, spec.term, contrasts, source)
    records = [record for one in contrasts for record in one.records(spec.id)]
    return finished(spec.id, made, records, list(dict.fromkeys(asked.findings)), asked.failures)


def _contrasts(asked: _Asked) -> list[Coefficient]:
    """The coefficients that are asked for; AnalysisError where the model has none of them."""
    spec, model = asked.spec, asked.model
    own = [c for c in model.coefficients if c.term == spec.term and not c.is_reference]
    levels = [str(c.level) for c in own if c.level is not None]
    wrong = [level for level in spec.levels if level not in levels]
    if wrong or not levels:
        found = f"the model has no {listed(wrong or ['level'])} of '{spec.term}'"
        allowed = f"Levels: {listed(levels)}" if levels else "A term with levels"
        raise AnalysisError(Problem("robustness: levels", found, allowed))
    return [c for c in own if not spec.levels or c.level in spec.levels]


def _contrast(asked: _Asked, c: Coefficient) -> ContrastRobustness | None:
    """All parts of one contrast."""
    from analyses.results.detectable import detectable_of
    from analyses.results.robustness import ContrastRobustness

    level, reference = str(c.level), str(c.reference)
    if c.estimate is None:
        error = AnalysisError(Problem(f"{c.term}={level}", str(c.reason)))
        failure = failure_of(asked.spec, asked.frame, error)
        asked.failures.append(failure)
        return None
    base = next(b for b in asked.model.coefficients if b.term == c.term and b.is_reference)
    estimate = Estimate(
        c.estimate, c.std_error, c.conf_low, c.conf_high, c.n + base.n, c.n_event + base.n_event
    )
    names = {"time": f"{asked.spec.endpoint}_time", "event": asked.event}
    given = (asked.model, asked.frame, names | {"contrast": (c.term, level, reference)})
    return ContrastRobustness(
        level,
        reference,
        estimate,
        e_value=asked.part(level, "E-value", lambda: _e_value(asked, c, estimate)),
        detectable=detectable_of(asked.model, c),
        tipping=asked.part(
            level, "tipping points", lambda: _tipping(asked, given, level, reference)
        ),
        bias=asked.part(level, "misreading", lambda: _bias(asked, given, level, reference)),
        left_out=asked.part(level, "units left out", lambda: _left_out(asked, given)),
    )


_Given = tuple[Any, Any, Mapping[str, Any]]


def _e_value(asked: _Asked, c: Coefficient, estimate: Estimate) -> Any:
    from analyses.robustness.contrasted import contrasted
    from analyses.robustness.e_value import e_value, outcome_of
    from analyses.robustness.tipping import event_share

    names = (f"{asked.spec.endpoint}_time", asked.event)
    contrast = (c.term, str(c.level), str(c.reference))
    rows = contrasted(asked.model, asked.frame, names, contrast, where="e_value")
    ratio, low, high = estimate.hazard_ratio
    if ratio is None:
        raise AnalysisError(Problem("e_value", "the hazard ratio is too large to write"))
    limits = (low, high) if low is not None and high is not None else (None, None)
    return e_value(ratio, *limits, outcome=outcome_of(event_share(rows)))


def _tipping(asked: _Asked, given: _Given, level: str, reference: str) -> Any:
    from analyses.robustness.tipping import tipping_points

    spec = asked.spec
    is_pair = spec.term != "her2_status" or {level, reference} == set(SCORES.values())
    return tipping_points(
        given[0],
        given[1],
        **given[2],
        among=MAY_BE_MISREAD if spec.scored and is_pair else None,
        errors=spec.errors if is_pair else (),
        draws=spec.draws,
        seed=asked.setting.seed,
        processes=spec.processes,
        progress=asked.setting.drawing(f"Tipping points of {spec.id}"),
    )


def _bias(asked: _Asked, given: _Given, level: str, reference: str) -> Any:
    """The bias analysis of the pair that the readings are of; None of other pairs."""
    from analyses.robustness.bias_analysis import bias_analysis

    spec = asked.spec.misreading
    if spec is None:
        return None
    own = _groups(spec.readings, asked.spec.term)
    if set(own) != {level, reference}:
        return None
    event = spec.readings_event
    return bias_analysis(
        given[0],
        given[1],
        **given[2],
        matrix=own,
        matrix_event=None if event is None else _groups(event, asked.spec.term),
        among=MAY_BE_MISREAD if asked.spec.scored else None,
        draws=spec.draws,
        seed=asked.setting.seed,
        processes=spec.processes,
        progress=asked.setting.drawing(f"Bias analysis of {asked.spec.id}"),
    )


def _groups(readings: Mapping[str, Mapping[str, float]], term: str) -> dict[str, dict[str, float]]:
    """Readings by level: scores of HER2 groups as the groups that they make."""
    words = SCORES if term == "her2_status" else {}
    return {
        words.get(true, true): {words.get(read, read): n for read, n in row.items()}
        for true, row in readings.items()
    }


def _left_out(asked: _Asked, given: _Given) -> Any:
    from analyses.robustness.leave_one_out import leave_one_out

    spec = asked.spec
    if spec.unit is None:
        return None
    return leave_one_out(
        given[0],
        given[1],
        **given[2],
        unit=spec.unit,
        fitted=spec.fitted,
        named=spec.units,
        processes=spec.processes,
        progress=asked.setting.drawing(f"Units of {spec.id}"),
    )
