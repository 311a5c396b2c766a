"""The same answer over imputations, beside that of the complete cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from analyses.study.outcome import Outcome, failed_record, failure_of
from cohort.errors import AnalysisError
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

    from analyses.results.imputations import Imputations
    from analyses.results.pooled_cox import PooledCox
    from analyses.study.setting import Setting
    from analyses.study.specs.cox import CoxSpec
    from analyses.study.specs.kaplan_meier import KaplanMeierSpec
    from analyses.study.specs.missing import ImputeSpec
    from analyses.study.specs.rmst import RmstSpec

HER2 = ("her2_status", "her2_detail")
_COMPETING = "\x00competing"  # column of the events that compete; no user has it


def with_imputed_model(
    outcome: Outcome, spec: CoxSpec, frame: pd.DataFrame, setting: Setting, columns: Any
) -> Outcome:
    """The outcome of a Cox model with that of all patients, what they lack drawn.

    `columns` are those of delayed entry, and of the event where it is not the endpoint's own.
    """
    work, names, pooled, interactions = _of_model(spec, frame, setting, columns)
    made: Outcome = work.beside(outcome, names, pooled, interactions)
    return made


def pooled_model(
    spec: CoxSpec, frame: pd.DataFrame, setting: Setting, columns: Any
) -> PooledCox | None:
    """The model over imputations alone, as a grid asks for it; None where nothing is missing.

    Imputed as the model itself says, or with every default.
    """
    asked = spec if spec.imputing is not None else spec.model_copy(update={"missing": "impute"})
    work, names, pooled, interactions = _of_model(asked, frame, setting, columns)
    made: PooledCox | None = work.alone(names, pooled, interactions)
    return made


def _of_model(spec: CoxSpec, frame: pd.DataFrame, setting: Setting, columns: Any) -> Any:
    """The work of a Cox model: itself, its columns, the model of imputations, interactions."""
    from analyses.imputation.imputed_cox import imputed_cox

    terms = [term.declared() for term in spec.terms]
    names = [name for term in spec.terms for name in term.columns()] + list(spec.strata)
    entry, event = columns[0], columns[1] or f"{spec.endpoint}_event"
    interactions = [term.interaction for term in spec.terms if term.interaction is not None]

    def pooled(imputations: Imputations) -> Any:
        return imputed_cox(
            frame,
            imputations,
            time=f"{spec.endpoint}_time",
            event=event,
            terms=terms,
            entry=entry,
            strata=list(spec.strata) or None,
            cluster=spec.cluster,
            ties=spec.ties,
            conf_level=spec.conf_level,
        )

    events = [event]
    if spec.cause is not None:
        other = f"{spec.endpoint}_event" if spec.cause == "competing" else _COMPETING
        frame = frame.assign(**{_COMPETING: frame[f"{spec.endpoint}_state"] == "competing"})
        events.append(other)
    return _Work(spec, spec.imputing, frame, setting, entry, events), names, pooled, interactions


def with_imputed_curves(
    outcome: Outcome,
    spec: KaplanMeierSpec,
    frame: pd.DataFrame,
    setting: Setting,
    entry: str | None,
) -> Outcome:
    """The outcome of survival curves with those of all patients, whose group may be drawn."""
    from analyses.imputation.imputed_survival import imputed_kaplan_meier

    times = () if spec.at is None else [d.within(setting.unit) for d in spec.at.to_durations()]

    def pooled(imputations: Imputations) -> Any:
        return imputed_kaplan_meier(
            frame,
            imputations,
            time=f"{spec.endpoint}_time",
            event=f"{spec.endpoint}_event",
            by=str(spec.by),
            entry=entry,
            times=times,
            reference=spec.reference,
            conf_level=spec.conf_level,
        )

    work = _Work(spec, spec.imputing, frame, setting, entry, [f"{spec.endpoint}_event"])
    return work.beside(outcome, [str(spec.by)], pooled)


def with_imputed_means(
    outcome: Outcome, spec: RmstSpec, frame: pd.DataFrame, setting: Setting, entry: str | None
) -> Outcome:
    """The outcome of restricted means with those of all patients, whose group may be drawn."""
    from analyses.imputation.imputed_survival import imputed_rmst

    tau: float | None
    if spec.tau is not None:
        tau = spec.tau.to_duration().within(setting.unit)
    else:  # both answers to one time, which each imputation allows: its groups hold more patients
        tau = getattr(getattr(outcome.analysis, "result", None), "tau", None)

    def pooled(imputations: Imputations) -> Any:
        return imputed_rmst(
            frame,
            imputations,
            time=f"{spec.endpoint}_time",
            event=f"{spec.endpoint}_event",
            by=spec.by,
            entry=entry,
            tau=tau,
            reference=spec.reference,
            conf_level=spec.conf_level,
        )

    work = _Work(spec, spec.imputing, frame, setting, entry, [f"{spec.endpoint}_event"])
    return work.beside(outcome, [spec.by], pooled)


class _Work:
    """One analysis to be repeated over imputations."""

    def __init__(
        self,
        spec: Any,
        asked: ImputeSpec | None,
        frame: pd.DataFrame,
        setting: Setting,
        entry: str | None,
        events: Sequence[str],
    ) -> None:
        assert asked is not None
        self.spec, self.asked, self.frame, self.setting = spec, asked, frame, setting
        self.entry, self.events = entry, list(events)

    def beside(
        self,
        outcome: Outcome,
        names: Sequence[str],
        pooled: Callable[[Imputations], Any],
        interactions: Sequence[tuple[str, str]] = (),
    ) -> Outcome:
        """The outcome with the pooled answer; with a failure where there is none."""
        from analyses.imputation.missingness import missingness
        from analyses.results.imputed import Imputed

        needed = list(dict.fromkeys(names))
        names = list(dict.fromkeys([*names, *self.asked.columns]))
        own_id = f"{self.spec.id}.imputed"
        if not self.frame[needed].isna().any().any():
            return replace(outcome, findings=(*outcome.findings, self._whole(needed)))
        found = missingness(self.frame, columns=names, by=self._groups(names))
        try:
            within, noted = self._within(interactions)
            answer = pooled(self._imputed(names, within))
        except AnalysisError as error:
            failure = replace(failure_of(self.spec, self.frame, error), analysis=own_id)
            return replace(
                outcome,
                records=(*outcome.records, *found.records(f"{self.spec.id}.missing"),
                         failed_record(0, failure)),
                failures=(*outcome.failures, failure),
            )  # fmt: skip
        failures = tuple(replace(f, analysis=own_id) for f in getattr(answer, "failures", ()))
        own = [
            *found.records(f"{self.spec.id}.missing"),
            *answer.records(own_id, self.setting.unit),
        ]
        own += [failed_record(i, failure) for i, failure in enumerate(failures)]
        analysis = outcome.analysis
        if analysis is not None:
            analysis = replace(analysis, imputed=Imputed(answer, found))  # type: ignore[type-var]
        return replace(
            outcome,
            analysis=analysis,
            records=(*outcome.records, *own),
            findings=(*outcome.findings, *noted, *answer.findings),
            failures=(*outcome.failures, *failures),
        )

    def alone(
        self,
        names: Sequence[str],
        pooled: Callable[[Imputations], Any],
        interactions: Sequence[tuple[str, str]],
    ) -> Any:
        """The pooled answer; None where the analysis lacks nothing."""
        if not self.frame[list(dict.fromkeys(names))].isna().any().any():
            return None
        within, _ = self._within(interactions)
        every = list(dict.fromkeys([*names, *self.asked.columns]))
        return pooled(self._imputed(every, within))

    def _imputed(self, names: Sequence[str], within: Sequence[str]) -> Imputations:
        from analyses.imputation.impute import impute
        from analyses.study.drawn_her2 import among

        asked, told = self.asked, among(self.frame, names)
        return impute(
            self.frame,
            time=f"{self.spec.endpoint}_time",
            event=self.events,
            entry=self.entry,
            columns=[name for name in names if name not in within],
            within=within,
            methods={**asked.methods},
            allow=tuple(told),
            among=told,
            m=asked.m,
            iterations=asked.iterations,
            donors=asked.donors,
            seed=self.setting.seed,
            processes=asked.processes,
            progress=self.setting.drawing(f"Imputations of {self.spec.id}"),
        )

    def _groups(self, names: Sequence[str]) -> str | None:
        """The HER2 groups, by which missing values are shown where the analysis has them."""
        return "her2_status" if "her2_status" in names else None

    def _within(
        self, interactions: Sequence[tuple[str, str]]
    ) -> tuple[tuple[str, ...], tuple[Finding, ...]]:
        """Columns to impute within, and a warning for each interaction that this leaves out."""
        if self.asked.within is not None:
            within = self.asked.within
        else:
            parts = {part for pair in interactions for part in pair}
            within = tuple(
                name for name in HER2 if name in parts and self.frame[name].notna().all()
            )[:1]
        noted = tuple(
            Finding(
                "warning",
                self.spec.id,
                pair[0],
                pair[1],
                "interaction_not_imputed",
                int(self.frame[list(pair)].isna().any(axis=1).sum()),
                "The conditional models do not hold this interaction: what is drawn weakens it. "
                "Impute within one of its two columns (within: [...]) if that one is complete.",
            )
            for pair in interactions
            if not set(pair) & set(within)
        )
        return within, noted

    def _whole(self, names: Sequence[str]) -> Finding:
        """That nothing was imputed, since nothing is missing."""
        return Finding(
            "info",
            self.spec.id,
            "",
            "",
            "nothing_missing",
            len(self.frame),
            f"No patient lacks {', '.join(names)}: nothing was imputed, and the analysis of "
            "complete cases holds everybody.",
        )
