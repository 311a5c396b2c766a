"""Everything a study found: what the report prints and the results file holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from analyses.results.contrast import Contrast
from analyses.results.cox import CoxModel
from analyses.results.cumulative_incidence import CumulativeIncidence
from analyses.results.curve import Counting
from analyses.results.failure import Failure
from analyses.results.fine_gray import FineGray
from analyses.results.gray import GrayTest
from analyses.results.imputed import Imputed
from analyses.results.incidence_differences import CauseContrast
from analyses.results.logrank import LogRank, PairwiseLogRank
from analyses.results.max_combo import MaxCombo
from analyses.results.parametric import ParametricSurvival
from analyses.results.performance import ModelPerformance
from analyses.results.pooled_cox import PooledCox
from analyses.results.pooled_numbers import PooledNumbers
from analyses.results.proportionality import Proportionality
from analyses.results.records import Record
from analyses.results.restriction import Restriction
from analyses.results.rmst import RMST
from analyses.results.survival import KaplanMeier
from analyses.results.table_one import TableOne
from analyses.results.verification import Verification
from cohort.table import AttritionStep, Choice, Finding, SourceFile, TimeUnit

if TYPE_CHECKING:
    from cohort.change_result import Her2Change

DEVIATES = 6  # exit code: a second program has another number


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint as analysed: its definition and the step that its unknown patients left at.

    Attributes
    ----------
    late
        The step before, at which patients left whose HER2 was known only after neoadjuvant
        therapy; None where they stay.
    n_competing
        Patients whose follow-up ended by a competing event; None where nothing competes.
    is_checked
        Whether the definition was checked in its source; the report marks one that was not.
    said
        Sentences on how it was made, for the methods text.
    unknown_cause
        What a death of unknown cause is (``competing``, ``event``, ``censored``, ``exclude``);
        empty where causes do not matter.
    """

    id: str
    kind: str
    label: str
    meaning: str
    censored: str
    step: AttritionStep
    n: int
    n_event: int
    n_competing: int | None = None
    origin: str = "diagnosis"
    is_checked: bool = True
    said: tuple[str, ...] = ()
    late: AttritionStep | None = None
    unknown_cause: str = ""

    @property
    def steps(self) -> tuple[AttritionStep, ...]:
        """The steps of this endpoint after those that all share."""
        return (self.step,) if self.late is None else (self.late, self.step)


@dataclass(frozen=True, slots=True, eq=False)
class TableAnalysis:
    """A table of features by group.

    `strata` holds the same within each level of the column `within`, and `n_not_known` the
    patients who are in no level.
    """

    id: str
    title: str
    table: TableOne
    within: str | None = None
    strata: tuple[tuple[str, TableOne], ...] = ()
    n_not_known: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class CurveAnalysis:
    """Kaplan-Meier curves, their log-rank test where there are groups, and milestone times.

    `times` are in the unit of follow-up, `times_said` the same in the study file's words.
    `differences` are between groups at these times; `given` holds the curves of those who lived
    to a time, each with that time in words. `quantiles` are shares whose times are shown beside
    the medians. `counting` is what stands under the curves. `untested` says why groups have no
    test, where that is no failure.
    """

    id: str
    title: str
    endpoint: str
    curves: KaplanMeier
    test: LogRank | None
    times: tuple[float, ...] = ()
    times_said: tuple[str, ...] = ()
    curtail_below: int = 10
    differences: tuple[Contrast, ...] = ()
    given: tuple[tuple[str, KaplanMeier], ...] = ()
    quantiles: tuple[float, ...] = ()
    counting: Counting = "patients"
    untested: str = ""
    imputed: Imputed[PooledNumbers] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TestAnalysis:
    """A log-rank test with, where asked, its pairs and the trend within HER2-negative disease."""

    id: str
    title: str
    endpoint: str
    test: LogRank
    pairs: PairwiseLogRank | None = None
    trend: LogRank | None = None
    trend_said: str = ""
    combo: MaxCombo | None = None

    __test__ = False


@dataclass(frozen=True, slots=True, eq=False)
class RmstAnalysis:
    """Restricted mean survival by group; `tau_said` is tau in the study file's words, or empty."""

    id: str
    title: str
    endpoint: str
    result: RMST
    tau_said: str = ""
    imputed: Imputed[PooledNumbers] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class CoxAnalysis:
    """An adjusted Cox model with each of its terms alone, and whether its hazards are proportional.

    The models are without their rows. `cause` is what is modelled where events compete:
    ``event``, ``competing``; else None.
    """

    id: str
    title: str
    endpoint: str
    adjusted: CoxModel
    univariable: tuple[CoxModel, ...] = ()
    proportionality: Proportionality | None = None
    cause: str | None = None
    imputed: Imputed[PooledCox] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class IncidenceAnalysis:
    """Cumulative incidence of an endpoint's events, with Gray's test where there are groups.

    `times` are in the unit of follow-up, `times_said` the same in the study file's words;
    `differences` are between groups at these times; `untested` says why groups have no test,
    where that is no failure.
    """

    id: str
    title: str
    endpoint: str
    curves: CumulativeIncidence
    test: GrayTest | None
    times: tuple[float, ...] = ()
    times_said: tuple[str, ...] = ()
    differences: tuple[CauseContrast, ...] = ()
    untested: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class FineGrayAnalysis:
    """A Fine and Gray model of an endpoint's event, or of what competes with it."""

    id: str
    title: str
    endpoint: str
    model: FineGray


@dataclass(frozen=True, slots=True, eq=False)
class ParametricAnalysis:
    """Models of several distributions; `zero_said` is what stands for time 0, or empty."""

    id: str
    title: str
    endpoint: str
    result: ParametricSurvival
    zero_said: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class PerformanceAnalysis:
    """How well a Cox model predicts; `times_said` are its horizons in the study file's words."""

    id: str
    title: str
    endpoint: str
    result: ModelPerformance
    model: CoxModel
    times_said: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ChangeAnalysis:
    """HER2 of a first against a second specimen of the same patients."""

    id: str
    title: str
    change: Her2Change


class Analysis(Protocol):
    """What every analysis of a study has: its id and title; the report has a section for each."""

    @property
    def id(self) -> str:
        """Its name in the study file."""

    @property
    def title(self) -> str:
        """Its heading in the report."""


@dataclass(frozen=True, slots=True, eq=False)
class StudyResult:
    """A finished study.

    Attributes
    ----------
    style
        Preset of number and figure style.
    spec
        (name of the study file, its sha256, the study as canonical JSON).
    changes
        What the command line changed of the study file, each change as it was said.
    formats
        In which the report is written: ``pdf``, ``html``, ``docx``.
    her2_counts
        (status, rule, flags, patients) before selection.
    rule_meanings
        (id of a category row or an in-situ row, what it says).
    attrition
        Steps of the selection that every analysis shares; each endpoint adds its own.
    compares_her2
        Whether the HER2 groups are compared; only then is a patient outside of them left out.
    analyses
        In the order of the study file; one that failed as a whole stands in `failures` only.
    records
        Every number, one record each.
    selected
        (endpoint, sha256 of its selected patients' columns); the endpoint is empty for analyses
        without one.
    verification
        What a second program says of the numbers; None where the study does not ask for it.
    """

    title: str
    question: str
    style: str
    seed: int
    spec: tuple[str, str, str]
    source: str
    source_describes: str
    identifies: tuple[tuple[str, str], ...]
    time_unit: TimeUnit
    n_loaded: int
    files: tuple[SourceFile, ...]
    tables: tuple[tuple[str, str], ...]
    choices: tuple[Choice, ...]
    her2_counts: tuple[tuple[str, str, str, int], ...]
    rule_meanings: tuple[tuple[str, str], ...]
    attrition: tuple[AttritionStep, ...]
    compares_her2: bool
    endpoints: tuple[Endpoint, ...]
    analyses: tuple[Analysis, ...]
    restrictions: tuple[Restriction, ...]
    findings: tuple[Finding, ...]
    failures: tuple[Failure, ...]
    records: tuple[Record, ...]
    selected: tuple[tuple[str, str], ...] = ()
    verification: Verification | None = None
    changes: tuple[str, ...] = ()
    formats: tuple[str, ...] = ("pdf", "html")

    @property
    def exit_code(self) -> int:
        """0, 5 where an estimate that was asked for does not exist, 6 where a number deviates."""
        if self.verification is not None and not self.verification.agrees:
            return DEVIATES
        return 5 if self.failures else 0

    @property
    def n_analysed(self) -> int:
        """Patients after the shared selection."""
        return self.attrition[-1].n_after if self.attrition else self.n_loaded
