"""Every worked patient of tests/spec_tables, through every door and on either engine."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import narwhals as nw
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from spec_tables import CANONICAL, EXPECTED, Batch, each, option, read_all, together

from analyses.study.endpoint_spec import EndpointSpec
from cohort import her2_rules
from cohort.dictionary import SourceDictionary
from cohort.endpoints import add_endpoints
from cohort.engine import DuckDBEngine
from cohort.harmonisation import harmonise
from cohort.her2 import her2_columns
from cohort.her2_policies import resolved
from cohort.loading import load
from cohort.schema import column
from cohort.specimens import index_specimen
from cohort.table import Cohort, Engine, TimeUnit

Door = Callable[[Batch, Path], Any]

EACH = pytest.mark.parametrize("batch", each(), ids=lambda batch: batch.name)
TOGETHER = pytest.mark.parametrize("batch", together(), ids=lambda batch: batch.name)


def as_files(batch: Batch, folder: Path) -> dict[str, Path]:
    """Delimited files as the source would give them."""
    dictionary = SourceDictionary.load(batch.source)
    paths = {}
    for role, (headings, rows) in batch.files().items():
        rule = dictionary.files[role]
        tab = rule.delimiter == "tab" or rule.skip_rows
        paths[role] = folder / f"{role}.{'txt' if tab else 'csv'}"
        with paths[role].open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter="\t" if tab else rule.delimiter or ",")
            writer.writerows([headings] * (1 + len(rule.skip_rows)))
            writer.writerows(rows)
    return paths


def as_arrow(batch: Batch, folder: Path) -> dict[str, pa.Table]:
    """Arrow tables of text, null where blank."""
    del folder
    return {
        role: pa.table(
            {
                h: pa.array([row[i] or None for row in rows], pa.string())
                for i, h in enumerate(names)
            }
        )
        for role, (names, rows) in batch.files().items()
    }


def as_pandas(batch: Batch, folder: Path) -> dict[str, pd.DataFrame]:
    return {role: table.to_pandas() for role, table in as_arrow(batch, folder).items()}


def as_polars(batch: Batch, folder: Path) -> dict[str, pl.DataFrame]:
    frames = {role: pl.from_arrow(table) for role, table in as_arrow(batch, folder).items()}
    return {role: frame for role, frame in frames.items() if isinstance(frame, pl.DataFrame)}


def canonical(batch: Batch, engine: Engine) -> Cohort:
    """A cohort of patients written in canonical columns."""
    given = {records: batch.canonical(records) for records in ("", "specimens", "events")}
    tables = {
        records: engine.register(records or "patients", typed(columns))
        for records, columns in given.items()
        if not records or len(columns) > 1
    }
    unit: TimeUnit = "months" if batch.time == "months" else "days"
    return Cohort(
        tables[""], engine, CANONICAL, unit, len(given[""]["patient_id"]),
        specimens=tables.get("specimens"), events=tables.get("events"),
    )  # fmt: skip


def typed(columns: Mapping[str, list[str]]) -> pa.Table:
    """Columns of the schema's types, null where blank."""
    arrays = {}
    for name, texts in columns.items():
        known = column(name)
        assert known is not None, name
        kinds = {"number": (float, pa.float64()), "integer": (int, pa.int64())}
        convert, kind = kinds.get(known.kind, (str, pa.string()))
        arrays[name] = pa.array([convert(text) if text else None for text in texts], kind)
    return pa.table(arrays)


def classified(cohort: Cohort, batch: Batch) -> pd.DataFrame:
    """The patients with their endpoints, each classified by its own edition and policies."""
    asked = [EndpointSpec.model_validate(spec).to_definition() for spec in batch.endpoints]
    cohort = add_endpoints(cohort, asked)
    cohort = replace(cohort, patients=cohort.engine.materialise(cohort.patients))
    groups: dict[str, list[str]] = {}
    for patient, asked_for in batch.options.items():
        groups.setdefault(repr(asked_for), []).append(patient)
    parts = []
    for patients in groups.values():
        edition, policies = batch.options[patients[0]]
        chosen = cohort.patients.filter(nw.col("patient_id").is_in(patients))
        few = replace(cohort, patients=chosen, n=len(patients))
        day = "metastasis_day" if policies.get("E10") == "closest" else None
        few = index_specimen(few, edition=edition, policies=policies, index_day=day)
        assay = dict(few.identifies).get("her2_assay", "")
        rules = {"edition": edition, "policies": policies, "assay": assay}
        decided = her2_columns(few.patients, few.engine, **rules)
        parts.append(replace(few, patients=decided).to_pandas())
    return pd.concat(parts).sort_values("patient_id", ignore_index=True)


def seen(batch: Batch, engine: Engine, given: Any) -> tuple[pd.DataFrame, Cohort]:
    """What becomes of a batch's patients, and what was noted on the way."""
    if batch.source == CANONICAL:
        cohort = canonical(batch, engine)
    else:
        cohort = harmonise(load(given, source=batch.source, engine=engine))
    return classified(cohort, batch), cohort


def text(value: object) -> str:
    """A value as a table has it."""
    if value is None or value is pd.NA or value != value:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float | int) else str(value)


def deviations(batch: Batch, frame: pd.DataFrame) -> list[str]:
    """Every cell that is not as written."""
    found = frame.set_index("patient_id").astype(object)
    assert len(found) == sum(len(table.patients) for table in batch.tables)
    wrong = []
    for table in batch.tables:
        for row in table.patients:
            patient = found.loc[f"{table.name}:{row['patient']}"]
            for name in table.expected:
                wanted, got = row[EXPECTED + name], text(patient.get(name))
                if wanted != got:
                    wrong.append(f"{table.name} {row['patient']}: {name} '{got}', not '{wanted}'")
    return wrong


def noted(cohort: Cohort) -> list[Any]:
    """Findings, those about the manner of reading aside."""
    reading = ("rows_kept", "digest_of_table", "encoding")
    return sorted((f for f in cohort.findings if f.rule not in reading), key=repr)


def as_given(batch: Batch, folder: Path) -> Any:
    return None if batch.source == CANONICAL else as_files(batch, folder)


def test_every_edge_case_and_each_of_its_choices_is_shown() -> None:
    patients = [row for table in read_all() for row in table.patients]
    chosen = {pair for row in patients for pair in resolved(dict(option(row)[1])).items()}
    assert {(p.id, c) for p in her2_rules.policies() for c in p.choices} <= chosen
    why = " ".join(row.get("why", "") for row in patients)
    named = {p.id for p in her2_rules.policies() if re.search(rf"\b{p.id}\b", why)}
    assert named >= {f"E{i}" for i in range(1, 20)}


def test_every_flag_is_shown() -> None:
    seen = {
        flag
        for table in read_all()
        if "her2_flags" in table.expected
        for row in table.patients
        for flag in row[f"{EXPECTED}her2_flags"].split(";")
    }
    assert {row["flag"] for row in her2_rules.read("flag_meanings")} <= seen


def test_there_are_worked_patients_of_every_source_and_edition() -> None:
    tables = read_all()
    assert sum(len(table.patients) for table in tables) >= 200
    assert {table.source for table in tables} >= {
        *("ncdb_puf", "naaccr", "seer", "tcga_brca", "cbioportal", "breast_msk_2018"),
        *("metabric", "redcap", "spreadsheet", CANONICAL),
    }
    editions = {option(row)[0] for table in tables for row in table.patients}
    assert editions == set(her2_rules.editions())


@EACH
def test_every_worked_patient_is_as_written(batch: Batch, tmp_path: Path) -> None:
    frame, _ = seen(batch, DuckDBEngine(), as_given(batch, tmp_path))
    assert deviations(batch, frame) == []


@pytest.mark.parametrize(
    "batch", [b for b in together() if b.source != CANONICAL], ids=lambda batch: batch.name
)
def test_every_door_gives_the_same_patients(batch: Batch, tmp_path: Path) -> None:
    def harmonised(door: Door) -> Cohort:
        return harmonise(load(door(batch, tmp_path), source=batch.source))

    first = harmonised(as_files)
    for door in (as_pandas, as_polars, as_arrow):
        other = harmonised(door)
        for one, same in zip(tables_of(first), tables_of(other), strict=True):
            pd.testing.assert_frame_equal(one, same)
        assert noted(first) == noted(other)


def tables_of(cohort: Cohort) -> list[pd.DataFrame]:
    """Patients, specimens and events, in an order of their own."""
    frames = [cohort.to_pandas()]
    for records in (cohort.specimens, cohort.events):
        if records is not None:
            rows = cohort.engine.collect(records).to_pandas()
            # DuckDB knows levels as enumerations, Spark as text.
            for name, levels in rows.select_dtypes("category").items():
                rows[name] = levels.astype(object).where(levels.notna(), None)
            frames.append(rows.sort_values(list(rows.columns), ignore_index=True))
    return frames


@TOGETHER
@pytest.mark.spark
def test_spark_gives_the_same_patients(batch: Batch, spark_engine: Any, tmp_path: Path) -> None:
    local, first = seen(batch, DuckDBEngine(), as_given(batch, tmp_path))
    assert deviations(batch, local) == []
    given: Mapping[str, Any] | None = None
    if batch.source != CANONICAL:
        session = spark_engine.session
        given = {r: session.createDataFrame(t) for r, t in as_arrow(batch, tmp_path).items()}
    distributed, second = seen(batch, spark_engine, given)
    pd.testing.assert_frame_equal(local, distributed)
    for one, same in zip(tables_of(first), tables_of(second), strict=True):
        pd.testing.assert_frame_equal(one, same)
    assert noted(first) == noted(second)


@pytest.mark.spark
def test_spark_reads_the_files_of_a_source_too(spark_engine: Any, tmp_path: Path) -> None:
    batch = next(batch for batch in together() if batch.source != CANONICAL)
    frame, _ = seen(batch, spark_engine, as_files(batch, tmp_path))
    assert deviations(batch, frame) == []
