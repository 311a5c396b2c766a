"""The frozen containers that travel from stage to stage: Cohort, Finding, AttritionStep."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import narwhals as nw
    import pandas as pd
    import pyarrow as pa

    from cohort.formats.delimited import Layout

Severity = Literal["error", "warning", "info"]
TimeUnit = Literal["days", "months"]
# Stages that note findings under their own name, which no file's role may have.
STAGES = ("her2", "index_specimen", "endpoint")
_LEFT_OUT = frozenset(
    {
        *("several_tumours", "tumours_not_used", "patients_without_tumour"),
        *("several_specimens", "specimens_of_no_patient"),
        *("specimens_of_other_tumours", "events_of_no_patient", "events_of_other_tumours"),
        *(
            "several_rows",
            "rows_of_no_role",
            "blank_rows",
            "extension",
            "user_dictionary",
            "unmapped_column",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something seen in the data or in an estimate that a reader must know, with its count.

    Attributes
    ----------
    severity
        ``error`` stops the run, ``warning`` changes how a result may be read,
        ``info`` is for the record.
    source
        Where it was seen: a file's role, a stage (``her2``) or an analysis id.
    column
        The column concerned, canonical or of the source; empty where none is.
    value
        The value found, as written; empty where the finding is not about one value.
    rule
        Short name of the check (``unknown_code``, ``few_events``).
    n
        How many are concerned.
    advice
        What it means and what to do, one sentence.
    unit
        What ``n`` counts, in the singular.
    """

    severity: Severity
    source: str
    column: str
    value: str
    rule: str
    n: int
    advice: str
    unit: str = "patient"

    @property
    def counted(self) -> str:
        """How many are concerned, with what they are."""
        return f"{self.n:,} {self.unit}{'' if self.n == 1 else 's'}"

    @property
    def leaves_out(self) -> bool:
        """Whether it counts what the files hold and what is not used, or what was chosen among."""
        return self.rule in _LEFT_OUT


@dataclass(frozen=True, slots=True)
class AttritionStep:
    """One step of the selection: how many patients it left out, overall and by group.

    ``removed_by_group`` and ``after_by_group`` are pairs (group, n) in the groups' order and
    sum to ``n_removed`` and ``n_after``. ``n_unknown`` of those removed were left out because
    the value that decides is missing.
    """

    id: str
    reason: str
    n_before: int
    n_removed: int
    n_after: int
    removed_by_group: tuple[tuple[str, int], ...] = ()
    after_by_group: tuple[tuple[str, int], ...] = ()
    n_unknown: int = 0


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file or table as it was read: its role, name (no folder), digest and size."""

    role: str
    name: str
    sha256: str
    n_rows: int
    n_columns: int


@dataclass(frozen=True, slots=True)
class Choice:
    """One decision that shaped the cohort, for the methods text and the manifest."""

    stage: str
    name: str
    value: str
    meaning: str = ""


class Engine(Protocol):
    """What loading and the stages need of an engine: DuckDB (cohort.engine) or Spark.

    The doors give a table of text with the columns asked for, by their places among the
    headings, named ``c`` and the place; and its number of rows.
    """

    def materialise(self, frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """Compute a lazy table once and return the computed one."""

    def collect(self, frame: nw.LazyFrame[Any]) -> pa.Table:
        """Bring a small lazy table into memory."""

    def register(self, stem: str, table: Any) -> nw.LazyFrame[Any]:
        """Make a small Arrow table joinable with the patients."""

    def passing(self) -> AbstractContextManager[None]:
        """A stretch of work whose computed tables are given up at its end."""

    def held(self, frame: nw.LazyFrame[Any]) -> pa.Table | None:
        """The text of a table just as it was read, where it is in this process's memory."""

    def release(self) -> None:
        """Give up every table; what was made from them is of no more use."""

    def read_table(self, table: Any, columns: Sequence[int]) -> tuple[nw.LazyFrame[Any], int]:
        """Columns of a table in memory (or of this engine's own kind) as text."""

    def read_batches(self, batches: pa.RecordBatchReader) -> tuple[nw.LazyFrame[Any], int]:
        """A stream of Arrow batches of text, whose columns are already named, as a table."""

    def read_parquet(
        self, path: Path, name: str, columns: Sequence[int]
    ) -> tuple[nw.LazyFrame[Any], int]:
        """Columns of a Parquet file as text; DataError where it is damaged."""

    def read_delimited(
        self, path: Path, name: str, layout: Layout, columns: Sequence[int]
    ) -> tuple[nw.LazyFrame[Any], int]:
        """Columns of a delimited file's body; DataError with every line that does not fit."""


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """Patients of one source under canonical names, one row a patient, and all that was noted.

    Attributes
    ----------
    patients
        Lazy table (DuckDB behind Narwhals), one row a patient, canonical columns
        (cohort.schema).
    engine
        Computes lazy tables.
    source
        Name of the dictionary that read the files.
    time_unit
        Unit of follow-up, as the source gives it; never converted.
    n
        Number of patients.
    identifies
        What the source can tell (name, value) as its dictionary declares.
    findings, attrition, files, choices
        What was seen, who was left out, what was read, what was decided.
    specimens
        Lazy table, one row a specimen with its HER2 evidence (``cohort.schema.SPECIMEN``), of
        these patients and maybe of others; None where the source has one specimen a patient.
    events
        Lazy table, one row an event after diagnosis (``cohort.schema.EVENT``); None where the
        source gives none.
    """

    patients: nw.LazyFrame[Any]
    engine: Engine
    source: str
    time_unit: TimeUnit
    n: int
    identifies: tuple[tuple[str, str], ...] = ()
    findings: tuple[Finding, ...] = ()
    attrition: tuple[AttritionStep, ...] = ()
    files: tuple[SourceFile, ...] = ()
    choices: tuple[Choice, ...] = field(default=())
    specimens: nw.LazyFrame[Any] | None = None
    events: nw.LazyFrame[Any] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the patient columns, in order."""
        return tuple(self.patients.collect_schema().names())

    def noting(
        self, findings: tuple[Finding, ...] = (), choices: tuple[Choice, ...] = ()
    ) -> Cohort:
        """The same cohort with more findings and choices."""
        return replace(self, findings=self.findings + findings, choices=self.choices + choices)

    def to_pandas(self, columns: list[str] | None = None) -> pd.DataFrame:
        """Patients as a pandas frame in the order of `patient_id`.

        Columns with levels (cohort.schema) come as ordered categoricals in the schema's
        order; missing is missing. The frame is new and may be changed freely.
        """
        from cohort.schema import with_levels

        names = list(self.columns) if columns is None else list(dict.fromkeys(columns))
        wanted = list(dict.fromkeys(["patient_id", *names]))
        rows = self.engine.collect(self.patients.select(wanted).sort("patient_id"))
        # The identifiers, each a text of its own, are not made where nobody asked for them.
        return with_levels(rows.select(names).to_pandas())

    def _repr_html_(self) -> str:
        """A readable card in a notebook: patients, source, and findings by severity."""
        from html import escape

        noted = {
            s: sum(f.severity == s for f in self.findings) for s in ("error", "warning", "info")
        }
        steps = "".join(
            f"<tr><td>{escape(step.reason)}</td><td>{step.n_removed}</td><td>{step.n_after}</td></tr>"
            for step in self.attrition
        )
        table = (
            f"<table><tr><th>Step</th><th>left out</th><th>remain</th></tr>{steps}</table>"
            if steps
            else ""
        )
        return (
            f"<p><b>{self.n:,} patients</b> from {escape(self.source)}, follow-up in "
            f"{self.time_unit}; {noted['warning']} warnings, {noted['info']} notes</p>{table}"
        )
