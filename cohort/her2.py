"""HER2 status of each patient: the group, the rule that decided, and flags; never a guess."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any

import narwhals as nw

from cohort import her2_rules
from cohort.errors import Problem, SpecError, listed, suggest
from cohort.her2_ish import with_ish, with_keys
from cohort.table import Choice, Cohort, Engine, Finding, Severity

LazyTable = nw.LazyFrame[Any]

EDITIONS = (2018,)
STAGE = "her2"  # under which findings and choices are noted


class Her2Status(StrEnum):
    """The six answers a classification can give; only the first three are groups."""

    ZERO = "zero"
    LOW = "low"
    POSITIVE = "positive"
    NEGATIVE_UNSPECIFIED = "negative_unspecified"
    UNRESOLVED = "unresolved"
    UNKNOWN = "unknown"


def policies() -> dict[str, tuple[str, ...]]:
    """Edge cases by id with the choices a study file may name, the default first."""
    return {policy.id: policy.choices for policy in her2_rules.policies()}


def classify_her2(
    cohort: Cohort, *, edition: int = 2018, policies: Mapping[str, str] | None = None
) -> Cohort:
    """The cohort with `her2_status`, `her2_detail`, `her2_rule` and `her2_flags`.

    Evidence, in this order: (1) dual-probe ratio and signals both known: the guideline's group;
    (2) else a reported positive or negative in-situ result, a decisive single-probe count, or
    the overall summary where some in-situ number exists; (3) else what every group left open by
    partial numbers has in common. Methods that conflict make positive, flagged. The score, this
    result, the wording of the IHC report and the summary then decide by
    ``her2_rules/category.csv``. A negative result without a score is `negative_unspecified`,
    never zero. `her2_rule` reads ``C04.D5``: the deciding row
    of the category table and the in-situ evidence used.

    Parameters
    ----------
    cohort
        Patients with the canonical HER2 columns; a column that the source lacks counts as
        missing throughout.
    edition
        Guideline whose in-situ table is used (ASCO/CAP 2018).
    policies
        Edge cases that depart from their default, id to choice (`policies()` lists them).

    Raises
    ------
    SpecError
        For an edition, a policy or a choice that does not exist.

    Notes
    -----
    Method: Wolff et al. 2018 (ASCO/CAP); edge cases as in ``her2_rules/policies.csv``. Checked
    against hand-made patients for each rule and the published TCGA-BRCA cross table
    (tests/cohort/test_her2.py).
    """
    chosen = dict(policies or {})
    classified = her2_columns(cohort.patients, cohort.engine, edition=edition, policies=chosen)
    # What an earlier classification of this cohort noted is no longer true of it.
    result = replace(
        cohort,
        patients=cohort.engine.materialise(classified),
        findings=tuple(f for f in cohort.findings if f.source != STAGE),
        choices=tuple(c for c in cohort.choices if c.stage != STAGE),
    )
    return result.noting(_findings(result), _choices(edition, chosen))


def her2_columns(
    frame: LazyTable,
    engine: Engine,
    *,
    edition: int = 2018,
    policies: Mapping[str, str] | None = None,
) -> LazyTable:
    """Any table of HER2 evidence, patients or specimens, with the four columns of its status.

    Each row is decided by itself, as `classify_her2` decides a patient. The table stays lazy.

    Raises
    ------
    SpecError
        For an edition, a policy or a choice that does not exist.
    """
    chosen = dict(policies or {})
    _check(edition, chosen)
    evidence = with_ish(with_keys(frame), engine, edition)
    table = engine.register("her2_category", her2_rules.category_table(chosen))
    decided = evidence.join(table, on=["k_ihc", "k_ish", "k_label", "k_reported"], how="left")
    names = [name for name in frame.collect_schema().names() if name not in _OUTPUT]
    return decided.select(*names, *_output())


def her2_counts(cohort: Cohort) -> tuple[tuple[str, str, str, int], ...]:
    """(status, rule, flags, patients) of a classified cohort, in the order of status and rule."""
    by = ["her2_status", "her2_rule", "her2_flags"]
    counted = cohort.engine.collect(cohort.patients.group_by(by).agg(n=nw.len())).to_pylist()
    order = {str(status): i for i, status in enumerate(Her2Status)}
    rows = [tuple(row[key] for key in (*by, "n")) for row in counted]
    return tuple(sorted(rows, key=lambda row: (order[row[0]], row[1], row[2])))


def rule_meanings(edition: int) -> tuple[tuple[str, str], ...]:
    """What each half of `her2_rule` says: rows of the category table and in-situ evidence."""
    tables = ("category", f"ish_{edition}", "ish_evidence")
    return tuple((row["id"], row["meaning"]) for name in tables for row in her2_rules.read(name))


_OUTPUT = ("her2_status", "her2_detail", "her2_rule", "her2_flags")


def _check(edition: int, chosen: Mapping[str, str]) -> None:
    """Every wrong edition, policy id and choice at once."""
    known = policies()
    problems = []
    if edition not in EDITIONS:
        problems.append(
            Problem(
                "her2.edition",
                f"{edition!r} is not available",
                f"Editions: {listed(map(str, EDITIONS))}",
            )
        )
    for name, choice in chosen.items():
        where = f"her2.policies.{name}"
        if name not in known:
            problems.append(
                Problem(
                    where, "no such edge case", f"Edge cases: {listed(known)}", suggest(name, known)
                )
            )
        elif choice not in known[name]:
            allowed = listed(known[name])
            problems.append(
                Problem(
                    where,
                    f"'{choice}' is not a choice",
                    f"Choices: {allowed}",
                    suggest(choice, known[name]),
                )
            )
    if problems:
        raise SpecError(problems)


def _output() -> list[nw.Expr]:
    """The four columns that a classification adds."""
    flags = [nw.col("flags"), nw.col("ish_flags"), nw.col("ish_conflict"), *_table_flags()]
    return [
        nw.col("status").alias("her2_status"),
        nw.col("detail").alias("her2_detail"),
        nw.concat_str([nw.col("rule"), nw.col("ish_rule")], separator=".").alias("her2_rule"),
        nw.concat_str(flags, separator=";", ignore_nulls=True).alias("her2_flags"),
    ]


def _table_flags() -> list[nw.Expr]:
    """One expression a flag of ``flags.csv``: its name where one of its rows applies, else null."""
    conditions: dict[str, nw.Expr] = {}
    for row in her2_rules.read("flags"):
        tests = [
            nw.col("status" if key == "status" else f"k_{key}").is_in(row[key].split("|"))
            for key in ("ihc", "label", "reported", "status")
            if row[key] != "any"
        ]
        applies = nw.all_horizontal(*tests, ignore_nulls=False)
        known = conditions.get(row["flag"])
        conditions[row["flag"]] = applies if known is None else known | applies
    return [
        nw.when(condition.fill_null(False)).then(nw.lit(flag)).otherwise(nw.lit(None))
        for flag, condition in conditions.items()
    ]


_ASSAY = {
    "expression": (
        "This source calls HER2 from gene expression, not from immunohistochemistry or in-situ "
        "hybridisation: its positive patients are no assay result (edge case E13)."
    ),
    "not_stated": (
        "Positive by the source's summary alone, which does not say by what assay: it may be gene "
        "expression (edge case E13)."
    ),
}
_STATUS_ADVICE = {
    "negative_unspecified": (
        "HER2-negative by a wording, a summary or an in-situ result, without a score: neither zero "
        "nor low can be told, so they are left out of both and counted."
    ),
    "unresolved": (
        "The HER2 evidence conflicts or is incomplete: left out of the groups and counted."
    ),
    "unknown": "No HER2 evidence: left out of the groups and counted.",
}


def _findings(cohort: Cohort) -> tuple[Finding, ...]:
    """Counts of what is left out of the groups and of each flag."""
    counts = her2_counts(cohort)
    found = []
    for status, meaning in _STATUS_ADVICE.items():
        n = sum(row[3] for row in counts if row[0] == status)
        if n:
            unknown_few = status == "unknown" and n < cohort.n
            severity: Severity = "info" if unknown_few else "warning"
            found.append(
                Finding(severity, STAGE, "her2_status", status, f"her2_{status}", n, meaning)
            )
    advice = _ASSAY.get(dict(cohort.identifies).get("her2_assay", ""))
    by_summary = sum(row[3] for row in counts if row[1] == "C28.none")
    if advice and by_summary:
        found.append(
            Finding("warning", STAGE, "her2_reported", "", "her2_assay", by_summary, advice)
        )
    for row in her2_rules.read("flag_meanings"):
        flag, meaning = row["flag"], row["meaning"]
        n = sum(count[3] for count in counts if flag in count[2].split(";"))
        if n:
            found.append(Finding("info", STAGE, "her2_flags", flag, flag, n, meaning))
    return tuple(found)


def _choices(edition: int, chosen: Mapping[str, str]) -> tuple[Choice, ...]:
    """What was decided, for the methods text and the manifest."""
    made = [Choice(STAGE, "edition", str(edition), f"ASCO/CAP {edition} guideline")]
    for policy in her2_rules.policies():
        choice = chosen.get(policy.id, policy.choices[0])
        made.append(Choice(STAGE, policy.id, choice, policy.meaning(choice)))
    return tuple(made)
