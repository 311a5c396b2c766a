"""HER2 status of each patient: the group, the rule that decided, and flags; never a guess."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Any

import narwhals as nw

from cohort import her2_rules
from cohort.her2_cuts import MISSING
from cohort.her2_evidence import EVIDENCE, with_evidence
from cohort.her2_findings import STAGE, choices, findings
from cohort.her2_ish import with_ish
from cohort.her2_policies import asked_for, given, policies
from cohort.her2_rules import Classes
from cohort.schema import HER2_ERA
from cohort.table import Cohort, Engine

__all__ = [
    "Her2Status",
    "classify_her2",
    "her2_columns",
    "her2_counts",
    "policies",
    "rule_meanings",
]

LazyTable = nw.LazyFrame[Any]
DEFAULT_EDITION = 2018


class Her2Status(StrEnum):
    """The six answers a classification can give; only the first three are groups."""

    ZERO = "zero"
    LOW = "low"
    POSITIVE = "positive"
    NEGATIVE_UNSPECIFIED = "negative_unspecified"
    UNRESOLVED = "unresolved"
    UNKNOWN = "unknown"


def classify_her2(
    cohort: Cohort,
    *,
    edition: int = DEFAULT_EDITION,
    policies: Mapping[str, str] | str | None = None,
) -> Cohort:
    """The cohort with `her2_status`, `her2_detail`, `her2_rule`, `her2_flags` and `her2_era`.

    Evidence, in this order: (1) dual-probe ratio and signals both known: the guideline's group;
    (2) else a reported positive or negative in-situ result, a decisive single-probe count, or
    the overall summary where some in-situ number exists; (3) else what every group left open by
    partial numbers has in common. Methods that conflict make positive, flagged. The score, this
    result, the wording of the IHC report and the summary then decide by
    ``her2_rules/category.csv``. A negative result without a score is `negative_unspecified`,
    never zero; a score that is not certain is unresolved unless the in-situ result is positive.
    `her2_rule` reads ``C04.D5``: the deciding row of the category table (or of
    ``overrides.csv``, where a policy goes before it) and the in-situ evidence used. `her2_era`
    tells the years of diagnosis between which a score of 0 changed its meaning.

    Parameters
    ----------
    cohort
        Patients with the canonical HER2 columns; a column that the source lacks counts as
        missing throughout.
    edition
        Edition of the guideline (ASCO/CAP 2007, 2013, 2018 or 2023) whose in-situ table is used.
        An edition never re-reads a score, except from its staining where edge case E14 is set so.
    policies
        Edge cases that depart from their default, id to choice (`policies()` lists them); under
        ``policy``, or as a text alone, the name of a set of choices (``"peiffer2023"``).

    Raises
    ------
    SpecError
        For an edition, a policy or a choice that does not exist.

    Notes
    -----
    Method: Wolff et al. 2007, 2013, 2018, 2023 (ASCO/CAP); edge cases as in
    ``her2_rules/policies.csv``. Checked against hand-made patients for each rule, against an
    independent statement of each edition over a grid of every cut point
    (tests/cohort/test_her2_grid.py), and the published TCGA-BRCA cross table.
    """
    asked, chosen = given(policies), asked_for(edition, policies)
    assay = dict(cohort.identifies).get("her2_assay", "")
    classified = _classified(cohort.patients, cohort.engine, edition, chosen, assay)
    if "diagnosis_year" in cohort.columns:
        classified = classified.with_columns(her2_era=_era())
    # What an earlier classification of this cohort noted is no longer true of it.
    result = replace(
        cohort,
        patients=cohort.engine.materialise(classified),
        findings=tuple(f for f in cohort.findings if f.source != STAGE),
        choices=tuple(c for c in cohort.choices if c.stage != STAGE),
    )
    noted = findings(result, her2_counts(result), edition=edition, chosen=chosen, assay=assay)
    return result.noting(noted, choices(edition, chosen, asked))


def her2_columns(
    frame: LazyTable,
    engine: Engine,
    *,
    edition: int = DEFAULT_EDITION,
    policies: Mapping[str, str] | str | None = None,
    assay: str = "",
) -> LazyTable:
    """Any table of HER2 evidence, patients or specimens, with the four columns of its status.

    Each row is decided by itself, as `classify_her2` decides a patient. The table stays lazy.

    Parameters
    ----------
    assay
        By what the source calls HER2 where it says only that: ``expression``, ``not_stated``.

    Raises
    ------
    SpecError
        For an edition, a policy or a choice that does not exist.
    """
    return _classified(frame, engine, edition, asked_for(edition, policies), assay)


def her2_counts(cohort: Cohort) -> tuple[tuple[str, str, str, int], ...]:
    """(status, rule, flags, patients) of a classified cohort, in the order of status and rule."""
    by = ["her2_status", "her2_rule", "her2_flags"]
    counted = cohort.engine.collect(cohort.patients.group_by(by).agg(n=nw.len())).to_pylist()
    order = {str(status): i for i, status in enumerate(Her2Status)}
    rows = [tuple(row[key] for key in (*by, "n")) for row in counted]
    return tuple(sorted(rows, key=lambda row: (order[row[0]], row[1], row[2])))


def rule_meanings(edition: int) -> tuple[tuple[str, str], ...]:
    """What each half of `her2_rule` says: rows of the category table and in-situ evidence."""
    rows = (
        *her2_rules.read("category"),
        *her2_rules.read("overrides"),
        *her2_rules.ish_rows(edition),
        *her2_rules.read("ish_evidence"),
    )
    return tuple((row["id"], row["meaning"]) for row in rows)


_OUTPUT = ("her2_status", "her2_detail", "her2_rule", "her2_flags", "her2_era")


def _classified(
    frame: LazyTable, engine: Engine, edition: int, chosen: Mapping[str, str], assay: str
) -> LazyTable:
    """The frame with the four columns; edition and policies are known to be right.

    The rules look at words only, of which few combinations occur: each is decided once, and the
    rows are joined to the decision by their combination.
    """
    keyed = with_evidence(frame, engine, edition=edition, chosen=chosen, assay=assay)
    cases = keyed.group_by(*EVIDENCE).agg(k_n=nw.len())
    with_result = with_ish(cases, engine, edition=edition, chosen=chosen)
    table = engine.register("her2_category", her2_rules.category_table(chosen))
    keys = [f"k_{key}" for key in her2_rules.CATEGORY_KEYS]
    decided = with_result.join(table, on=keys, how="left")
    outcomes = _overruled(decided, edition, chosen).select(*EVIDENCE, *_output())
    names = [name for name in frame.collect_schema().names() if name not in _OUTPUT]
    joined = keyed.select(*names, *EVIDENCE).join(outcomes, on=list(EVIDENCE), how="left")
    return joined.drop(*EVIDENCE)


def _overruled(decided: LazyTable, edition: int, chosen: Mapping[str, str]) -> LazyTable:
    """The outcome after the rows that the chosen policies put before the category table."""
    numbers = her2_rules.number_classes(edition, chosen)
    outcome = {name: nw.col(name) for name in ("rule", "status", "detail", "by_policy")}
    for row in reversed(her2_rules.overrides(chosen)):
        applies = _applies(row, numbers, decided="status")
        row_says = {
            "rule": row["id"],
            "status": row["status"],
            "detail": row["detail"] or None,
            "by_policy": her2_rules.departure(row["policy"], row["choice"]),
        }
        for name, value in row_says.items():
            outcome[name] = nw.when(applies).then(nw.lit(value)).otherwise(outcome[name])
    return decided.with_columns(**{f"o_{name}": value for name, value in outcome.items()})


def _applies(row: Mapping[str, str], numbers: Classes, *, decided: str) -> nw.Expr:
    """True where every cell of the row that is not ``any`` holds what it names."""
    keys = [key for key in (*her2_rules.KEYS, *numbers) if row.get(key, "any") != "any"]
    tests = [
        nw.col(decided if key == "decided" else f"k_{key}").is_in(
            list(her2_rules.values(row[key], key, numbers))
        )
        for key in keys
    ]
    return nw.all_horizontal(*tests, ignore_nulls=False)


def _output() -> list[nw.Expr]:
    """The four columns that a classification adds."""
    zero = nw.col("o_detail") == "ihc_0"
    detail = (
        nw.when(zero & (nw.col("k_zero") == "null"))
        .then(nw.lit("ihc_0_null"))
        .when(zero & (nw.col("k_zero") == "ultralow"))
        .then(nw.lit("ihc_0_ultralow"))
        .otherwise(nw.col("o_detail"))
    )
    return [
        nw.col("o_status").alias("her2_status"),
        detail.alias("her2_detail"),
        nw.concat_str([nw.col("o_rule"), nw.col("ish_rule")], separator=".").alias("her2_rule"),
        nw.concat_str(_flags(), separator=";", ignore_nulls=True).alias("her2_flags"),
    ]


def _flags() -> Sequence[nw.Expr]:
    """Every flag or list of flags that a row may carry, null where it does not."""
    from_staining = nw.col("stain_rule") != MISSING
    was_recorded = ~nw.col("k_recorded").is_in([MISSING, "uncertain"])
    changed = from_staining & was_recorded & (nw.col("k_ihc") != nw.col("k_recorded"))
    # Null and ultralow are kinds of IHC 0, and nothing else.
    of_another = nw.col("k_ihc").is_in(["1+", "2+", "3+"]) & nw.col("k_zero_said")
    by_policy = (~nw.col("o_by_policy").is_null()) | (~nw.col("ish_policy").is_null())
    return [
        *(nw.col(name) for name in ("flags", "ish_flags", "ish_conflict", "ish_reread")),
        *_table_flags(),
        _flag("score_from_staining", from_staining),
        _flag("score_changed", changed),
        _flag(
            "stain_conflict",
            ((nw.col("k_ihc") == "0") & nw.col("k_stain_conflict")) | of_another,
        ),
        _flag("by_policy", by_policy),
    ]


def _flag(name: str, condition: nw.Expr) -> nw.Expr:
    return nw.when(condition.fill_null(False)).then(nw.lit(name)).otherwise(nw.lit(None))


def _table_flags() -> list[nw.Expr]:
    """One expression a flag of ``flags.csv``: its name where one of its rows applies, else null."""
    conditions: dict[str, nw.Expr] = {}
    for row in her2_rules.read("flags"):
        applies = _applies(row, {}, decided="o_status")
        known = conditions.get(row["flag"])
        conditions[row["flag"]] = applies if known is None else known | applies
    return [_flag(name, condition) for name, condition in conditions.items()]


def _era() -> nw.Expr:
    """The years of diagnosis by what a score of 0 meant in them (edge case E14)."""
    year = nw.col("diagnosis_year")
    early, middle, late = HER2_ERA
    return (
        nw.when(year <= 2013)
        .then(nw.lit(early))
        .when(year <= 2018)
        .then(nw.lit(middle))
        .when(year >= 2019)
        .then(nw.lit(late))
        .otherwise(nw.lit(None))
    )
