"""Files, or tables in memory, become tables of text that a source dictionary can interpret."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from cohort.dictionary import FileRule, SourceDictionary
from cohort.errors import DataError, Her2LowError, Problem, SpecError, listed, suggest
from cohort.formats import delimited, frames, spark_frames
from cohort.formats.excel import open_workbook
from cohort.formats.kinds import Kind, kind_of
from cohort.formats.naaccr_xml import open_xml
from cohort.formats.opened import Given, Opened
from cohort.formats.spark_frames import is_spark
from cohort.headings import as_named, column_problems, places
from cohort.rows import rows_by_role, rows_of_no_role, without_main_row
from cohort.several_rows import one_row_each_patient
from cohort.table import Finding, SourceFile
from cohort.wanted import with_only

if TYPE_CHECKING:
    import narwhals as nw

    from cohort.table import Engine


@dataclass(frozen=True, slots=True, eq=False)
class Extract:
    """What was read: tables of text, nothing interpreted yet.

    Attributes
    ----------
    engine
        Holds the tables.
    dictionary
        The source dictionary that will interpret them.
    tables
        By role: a lazy table with every row of the file that the role means (all, unless the
        dictionary says ``where``) and each column that the dictionary names, called ``c`` and
        its place among the headings (``c0`` is the first);
        all text, null where empty. Columns that no rule reads are not kept in memory.
    headings
        By role: every heading of the file, in its order.
    files
        What was read, with digests.
    findings
        What was seen on the way (another encoding, rows kept that look like patients).
    """

    engine: Engine
    dictionary: SourceDictionary
    tables: Mapping[str, nw.LazyFrame[Any]]
    headings: Mapping[str, tuple[str, ...]]
    files: tuple[SourceFile, ...]
    findings: tuple[Finding, ...] = ()


def load(
    files: Any,
    *,
    source: str | Path | SourceDictionary,
    engine: Engine | None = None,
    columns: Iterable[str] | None = None,
) -> Extract:
    """A source's files as tables of text, each with its digest.

    CSV, TSV (the delimiter is found from the headings), cBioPortal clinical files with or
    without their comment lines, GDC biotab, NAACCR XML (one row a tumour, the patient's items
    repeated), each also compressed by gzip; Excel workbooks, Parquet; pandas, Polars, Arrow,
    DuckDB or Spark tables. Everything is text; nothing is interpreted, and no row is left out:
    one that does not fit the headings is an error with its line. Text that is not UTF-8, or
    whose line ends are mixed, is rewritten to a temporary file first.

    Parameters
    ----------
    files
        A path or table (the source's main file), or a mapping from the role of each file, as
        the dictionary names it, to its path or table.
    source
        Name of a dictionary, path of one, or a `SourceDictionary`.
    engine
        Where the tables are made. Where not given, the session of a Spark frame among the
        files, else a new in-process DuckDB.
    columns
        Canonical columns that will be used; of the descriptive ones (cohort.wanted) no other is
        read then. What HER2 status and endpoints are made of is read in any case.

    Raises
    ------
    SpecError
        For an unknown source or role, a path that does not exist, a required file not given.
    DataError
        For files that cannot be read whole, or that do not look like this source.

    Notes
    -----
    Checked against hand-made files of every fault and the published row counts of TCGA-BRCA
    and METABRIC (tests/cohort/test_load.py, test_sources.py).
    """
    dictionary = SourceDictionary.load(source)
    if columns is not None:
        dictionary = with_only(dictionary, columns)
    given = _given(files, dictionary)
    engine = engine or _engine_for(given.values())
    with tempfile.TemporaryDirectory() as folder:
        opened = _opened(given, dictionary, Path(folder))
        opened, unclear = _named(opened, dictionary)
        headings = {file.role: file.headings for file in opened}
        wrong = column_problems(dictionary, headings, {file.role: file.name for file in opened})
        if wrong or unclear:
            raise DataError([*wrong, *unclear], [f for file in opened for f in file.findings])
        return _read(opened, dictionary, engine)


def _opened(given: Mapping[str, Any], dictionary: SourceDictionary, folder: Path) -> list[Opened]:
    """Every file between its headings and its body; the problems of all at once."""
    problems: list[Her2LowError] = []
    opened = []
    for role, item in given.items():
        try:
            rule, wanted = dictionary.files[role], dictionary.headings(role)
            opened.append(_open(role, item, rule, wanted, folder))
        except Her2LowError as error:
            problems.append(error)
    _stop(problems)
    return opened


def _engine_for(items: Iterable[Any]) -> Engine:
    """The engine where none is given: the session of a Spark frame, else a new DuckDB."""
    for item in items:
        if is_spark(item):
            from cohort.spark_engine import SparkEngine

            return SparkEngine(item.sparkSession)
    from cohort.engine import DuckDBEngine

    return DuckDBEngine()


def headings_of(item: Any, wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """Column names of a file or table, before any dictionary reads it.

    Parameters
    ----------
    item
        A path or table, as for `load`.
    wanted
        Names that some dictionary would read.

    Raises
    ------
    SpecError, DataError
        As `load` does.
    """
    return _looked_into(item, wanted).headings


def findings_of(item: Any) -> tuple[Finding, ...]:
    """What is seen of a file or table before any dictionary reads it, as by `headings_of`."""
    return _looked_into(item, ()).findings


def _looked_into(item: Any, wanted: Sequence[str]) -> Opened:
    """A file or table before any dictionary reads it; its body is not for reading."""
    plain = FileRule(grain="patient", key=("",))
    # A biotab has two more rows of names, which a rule must say.
    biotab = plain.model_copy(update={"skip_rows": (2, 3)})
    names = tuple(wanted)
    with tempfile.TemporaryDirectory() as folder:
        try:
            return _open("main", item, plain, names, Path(folder))
        except DataError as error:
            try:
                return _open("again", item, biotab, names, Path(folder))
            except DataError:
                raise error from None


def _given(files: Any, dictionary: SourceDictionary) -> dict[str, Any]:
    """Each file by its role, in the dictionary's order."""
    by_role = dict(files) if isinstance(files, Mapping) else {dictionary.main: files}
    known = dictionary.own_files
    problems = [
        Problem(
            f"files.{role}", f"source '{dictionary.name}' has no file of this role",
            f"Roles: {listed(known)}", suggest(str(role), known),
        )
        for role in by_role if role not in known
    ]  # fmt: skip
    problems += [
        Problem(f"files.{role}", f"source '{dictionary.name}' cannot be read without this file")
        for role in known
        if dictionary.files[role].required and role not in by_role
    ]
    if problems:
        raise SpecError(problems)
    return {role: by_role[role] for role in known if role in by_role}


def _stop(errors: list[Her2LowError]) -> None:
    """Raise every problem of the files at once."""
    problems = [problem for error in errors for problem in error.problems]
    if any(isinstance(error, SpecError) for error in errors):
        raise SpecError(problems)
    if problems:
        raise DataError(problems)


def _open(role: str, item: Any, rule: FileRule, wanted: tuple[str, ...], folder: Path) -> Opened:
    """A file's headings, its body still unread."""
    if is_spark(item):
        return spark_frames.open_spark(role, item)
    if not isinstance(item, str | Path):
        return frames.open_frame(role, item)
    path = Path(item)
    _exists(path, role)
    inner = folder / role
    inner.mkdir()
    given = Given(role, path, path.name, rule, wanted, inner)
    kind = kind_of(path, given.name)
    return _OPENERS[kind](given)


_OPENERS: Mapping[Kind, Callable[[Given], Opened]] = MappingProxyType(
    {
        "parquet": frames.open_parquet,
        "text": delimited.open_text,
        "xml": open_xml,
        "workbook": open_workbook,
    }
)


def _exists(path: Path, role: str) -> None:
    """Refuse a path that is no file, naming the nearest there is."""
    if path.is_file():
        return
    where = f"files.{role}"
    if path.is_dir():
        raise SpecError(Problem(where, f"'{path}' is a folder", advice="Give the file in it."))
    if not path.parent.is_dir():
        found = f"'{path}': its folder does not exist"
        raise SpecError(Problem(where, found, advice="Check the path."))
    near = [item.name for item in path.parent.iterdir() if item.is_file()]
    advice = suggest(path.name, near) or "Check the path."
    raise SpecError(Problem(where, f"'{path}' does not exist", advice=advice))


def _named(
    opened: list[Opened], dictionary: SourceDictionary
) -> tuple[list[Opened], list[Problem]]:
    """The files with headings spelt as the dictionary spells them; names that several fit."""
    files: list[Opened] = []
    problems: list[Problem] = []
    for file in opened:
        named = as_named(dictionary.headings(file.role), file.headings, file.name)
        problems += named.problems
        notes = tuple(
            Finding(
                "info", file.role, name, heading, "heading_years", 1,
                "The column is read under the dictionary's name, which differs only in the "
                "range of years (or the word Item).", "column",
            )
            for heading, name in named.respelt
        )  # fmt: skip
        findings = file.findings + notes
        files.append(replace(file, headings=named.headings, findings=findings))
    return files, problems


def _read(opened: list[Opened], dictionary: SourceDictionary, engine: Engine) -> Extract:
    """The bodies, every one checked for lost rows."""
    tables: dict[str, nw.LazyFrame[Any]] = {}
    files, errors = [], []
    for file in opened:
        columns = places(dictionary.headings(file.role), file.headings)
        try:
            tables[file.role], n_rows = file.read(engine, columns)
        except DataError as error:
            errors.append(error)
            continue
        files.append(SourceFile(file.role, file.name, file.sha256, n_rows, len(file.headings)))
    _stop(list(errors))
    headings = {file.role: file.headings for file in opened}
    findings = [finding for file in opened for finding in file.findings]
    findings += rows_of_no_role(dictionary, tables, headings, engine)
    without = without_main_row(dictionary, tables, headings, engine)
    _stop([DataError(without.problems)] if without.problems else [])
    findings += without.findings
    by_role = rows_by_role(dictionary, tables, headings)
    of_role = {role: headings[dictionary.file_of(role)] for role in by_role}
    by_role, noted = one_row_each_patient(dictionary, by_role, of_role, engine)
    findings += noted
    return Extract(
        engine,
        dictionary,
        MappingProxyType(by_role),
        MappingProxyType(of_role),
        tuple(files),
        tuple(findings),
    )
