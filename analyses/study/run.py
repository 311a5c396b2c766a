"""The one conductor: load, harmonise, classify, endpoint, select, analyse, report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyses.results.records import Record, checked
from analyses.study.analyse import analyse, made, needed, observed_levels
from analyses.study.apart import fit_apart, held_apart
from analyses.study.count_records import flow_records, her2_records
from analyses.study.drawn_her2 import undrawn
from analyses.study.kinds.classification import unclassified
from analyses.study.kinds.her2_change import changed
from analyses.study.outcome import Outcome
from analyses.study.patients import StudyPatients
from analyses.study.setting import Setting
from analyses.study.stages import Prepared, Selected, compares_her2, prepared
from cohort.errors import SpecError
from cohort.table import Choice, Cohort, Finding

if TYPE_CHECKING:
    import pandas as pd

    from analyses.results.study import Endpoint, StudyResult
    from analyses.study.endpoint_spec import EndpointSpec
    from analyses.study.spec import Study

Progress = Callable[[str, int, int], None]
_LATE = "her2-before-neoadjuvant"
STAGES = ("load", "harmonise", "classify", "endpoints", "select", "analyse", "verify", "report")


def run_study(
    study: Study, *, out: str | Path | None = None, progress: Progress | None = None
) -> StudyResult:
    """Everything a study asks for, in one pass from its files to its numbers.

    Parameters
    ----------
    study
        As `load_study` reads it.
    out
        Folder for the report, figures, tables and results; nothing is written without it. It
        is replaced as a whole at the end: a run that fails leaves what was there.
    progress
        Called with (stage, stages done, stages in all); while an analysis draws samples, with
        (what is drawn, samples done, samples asked for).

    Returns
    -------
    StudyResult
        Frozen; its `exit_code` is 5 where an estimate that was asked for does not exist.

    Raises
    ------
    SpecError, DataError, AnalysisError
        With every problem of the stage that failed.
    """
    from analyses.study.check import check_study

    say = _Progress(progress)
    problems = check_study(study)
    if problems:
        raise SpecError(problems)
    with _selecting(study, say) as given:
        patients = _patients(study, given)
        say("analyse")
        result = _analysed(study, given, patients, progress)
    if study.verify:
        from analyses.study.verifying import with_second_program

        say("verify")
        result = with_second_program(result, study, patients)
    del given, patients  # the pages need results only
    if out is not None:
        from analyses.report.report import write_report

        say("report")
        write_report(result, out)
    say.end()
    return result


def selected_patients(study: Study, *, progress: Progress | None = None) -> StudyPatients:
    """The patients that the analyses of a study start from; nothing is estimated.

    Raises SpecError, DataError and AnalysisError as `run_study` does.
    """
    from analyses.study.check import check_study

    problems = check_study(study)
    if problems:
        raise SpecError(problems)
    with _selecting(study, _Progress(progress)) as given:
        return _patients(study, given)


@contextmanager
def _selecting(study: Study, say: _Progress) -> Iterator[Prepared]:
    """The cohort and its selected patients, while the engine that holds them is there."""
    engine = study.engine.made()
    try:
        yield prepared(study, engine, say)
    finally:
        engine.release()


class _Progress:
    """Tells the stages as they begin, and the end."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress

    def __call__(self, stage: str) -> None:
        if self._progress is not None:
            self._progress(stage, STAGES.index(stage), len(STAGES))

    def end(self) -> None:
        """Every stage is done."""
        if self._progress is not None:
            self._progress("done", len(STAGES), len(STAGES))


def _patients(study: Study, given: Prepared) -> StudyPatients:
    """The columns that the analyses need, by endpoint."""
    cohort, selected = given.cohort, given.selected
    apart = held_apart(study, selected.by_endpoint)
    frames = {
        name: undrawn(observed_levels(patients.to_pandas(made(columns, patients))))
        for name, columns in needed(study, selected.conditions, apart).items()
        for patients in [selected.by_endpoint.get(name, selected.shared)]
    }
    return StudyPatients(frames, selected.conditions, cohort.time_unit, cohort.files, apart)


def _analysed(
    study: Study, given: Prepared, patients: StudyPatients, progress: Progress | None
) -> StudyResult:
    from analyses.results.study import StudyResult
    from cohort.her2 import her2_counts, rule_meanings
    from cohort.her2_findings import ERA_RULES

    cohort, selected, frames = given.cohort, given.selected, patients.frames
    endpoints = tuple(
        _endpoint(selected.by_endpoint[spec.id], frames.get(spec.id), spec)
        for spec in study.endpoints
    )
    outcomes = _outcomes(study, given, patients, progress)
    shared = selected.shared
    counts = her2_counts(cohort)
    # Of the patients selected, these are counted anew.
    noted = [f for f in cohort.findings if f.rule not in ERA_RULES]
    records = [*flow_records(shared.attrition, endpoints), *her2_records(counts)]
    records += [
        Record("her2", "her2", f"n_{f.rule}", term=f.value, n=f.n, unit="patients")
        for f in selected.findings
        if f.severity == "warning"
    ]
    return StudyResult(
        title=study.title,
        question=study.question or "",
        style=study.report.style,
        seed=study.seed,
        spec=study.identity(),
        changes=study.changes.said,
        formats=study.report.formats,
        source=cohort.source,
        source_describes=study.dictionary().describes,
        identifies=cohort.identifies,
        time_unit=cohort.time_unit,
        n_loaded=cohort.n,
        files=cohort.files,
        tables=table_digests(),
        choices=_choices(shared, selected),
        her2_counts=counts,
        rule_meanings=rule_meanings(study.her2.edition),
        attrition=shared.attrition,
        compares_her2=compares_her2(study),
        endpoints=endpoints,
        analyses=tuple(o.analysis for o in outcomes if o.analysis is not None),
        restrictions=tuple(limit for o in outcomes for limit in o.restrictions),
        findings=(*noted, *selected.findings, *selected.mixed, *_gathered(outcomes)),
        failures=tuple(failure for o in outcomes for failure in o.failures),
        records=checked([*records, *(record for o in outcomes for record in o.records)]),
        selected=patients.digests,
    )


def _outcomes(
    study: Study, given: Prepared, patients: StudyPatients, progress: Progress | None
) -> list[Outcome]:
    """Each analysis in the order of the study file; a later one may build on an earlier one."""
    cohort, selected = given.cohort, given.selected
    outcomes: list[Outcome] = []
    setting = Setting(
        unit=cohort.time_unit,
        seed=study.seed,
        folder=study.folder,
        source=cohort.source,
        identifies=dict(cohort.identifies),
        progress=progress,
        origins={spec.id: spec.to_definition().origin_column for spec in study.endpoints},
        kinds={spec.id: spec.kind for spec in study.endpoints},
    )
    for spec in study.analyses:
        if spec.kind == "her2_change":
            outcomes.append(changed(spec, study, cohort))
        elif spec.kind == "classification":
            outcomes.append(unclassified(spec, study, cohort))
        elif spec.kind == "cox" and spec.id in patients.apart:
            held = selected.by_endpoint[spec.endpoint]
            outcomes.append(fit_apart(spec, held, selected.conditions))
        else:
            done = {o.id: o.analysis for o in outcomes if o.analysis is not None}
            setting = replace(setting, earlier=done)
            outcomes.append(analyse(spec, patients.frames, selected.conditions, setting))
    if study.sensitivity is not None:
        from analyses.study.grid.crossed import crossed

        outcomes.append(crossed(study, given, progress))
    return outcomes


def _endpoint(patients: Cohort, frame: pd.DataFrame | None, spec: EndpointSpec) -> Endpoint:
    """The endpoint with its counts and everything that the methods say of it."""
    from analyses.results.study import Endpoint as Made

    event, state = f"{spec.id}_event", f"{spec.id}_state"
    has_states = state in patients.columns
    wanted = [event, *([state] if has_states else [])]
    ends = patients.to_pandas(wanted) if frame is None else frame
    if has_states and state not in ends:
        ends = patients.to_pandas(wanted)
    noted = {c.name.partition(" ")[2]: c for c in patients.choices if _is_of(spec.id, c)}
    return Made(
        id=spec.id,
        kind=spec.kind,
        label=spec.label or spec.kind,
        meaning=noted[""].meaning,
        censored=" or ".join(noted[k].value for k in ("censored at", "censored on") if k in noted),
        step=patients.attrition[-1],
        late=next((s for s in patients.attrition if s.id == _LATE and s.n_removed), None),
        n=patients.n,
        n_event=int(ends[event].astype(bool).sum()),
        n_competing=int((ends[state] == "competing").sum()) if has_states else None,
        origin=spec.origin.replace("_", " "),
        is_checked="definition" not in noted,
        unknown_cause=noted["unknown_cause"].value if "unknown_cause" in noted else "",
        said=tuple(noted[k].meaning for k in noted if k and not k.startswith("censored at")),
    )


def _is_of(name: str, choice: Choice) -> bool:
    return choice.stage == "endpoint" and choice.name.partition(" ")[0] == name


def _choices(shared: Cohort, selected: Selected) -> tuple[Any, ...]:
    """Each decision once, in the order in which it was made."""
    every = [*shared.choices]
    for cohort in selected.by_endpoint.values():
        every += cohort.choices
    return tuple(dict.fromkeys(every))


def _gathered(outcomes: Sequence[Outcome]) -> tuple[Finding, ...]:
    """Findings of the results, under the id of their analysis, each once."""
    return tuple(
        dict.fromkeys(
            replace(finding, source=outcome.id)
            for outcome in outcomes
            for finding in outcome.findings
        )
    )


def table_digests() -> tuple[tuple[str, str], ...]:
    """(name, sha256) of the rule tables that classified the patients and made their endpoints."""
    from hashlib import sha256
    from importlib.resources import files

    tables = [
        (f"{room}/{item.name}", item.read_bytes())
        for room in ("endpoint_rules", "her2_rules")
        for item in files(f"cohort.{room}").iterdir()
        if item.name.endswith(".csv")
    ]
    return tuple((name, sha256(content).hexdigest()) for name, content in sorted(tables))
