"""How HER2 differs between two specimens of one patient, such as a primary and a metastasis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import narwhals as nw

from cohort.agreement import Weights, bowker, kappa, stuart_maxwell, wilson
from cohort.change_result import PAIRS, RELAPSES, Her2Change, PairCounts, Share, Transition
from cohort.errors import Problem, SpecError, listed, suggest
from cohort.her2 import DEFAULT_EDITION
from cohort.her2_policies import resolved
from cohort.schema import HER2_GROUPS, HER2_STATUS, column
from cohort.specimen_order import chosen
from cohort.specimens import judged_specimens
from cohort.table import Cohort, Finding

LazyTable = nw.LazyFrame[Any]

# Of several specimens of one kind the order of item 3855 takes one, and at a relapse the earliest.
_ORDER = dict.fromkeys((*RELAPSES, "first"), "first") | {"last": "last"}
_WEIGHTS: tuple[Weights, ...] = ("none", "linear", "quadratic")


def her2_change(
    cohort: Cohort,
    *,
    first: str = "primary",
    second: str = "metastasis",
    by: str | None = None,
    edition: int = DEFAULT_EDITION,
    policies: Mapping[str, str] | str | None = None,
    conf_level: float = 0.95,
) -> Her2Change:
    """The table of HER2 in a first against a second specimen, with shares, kappa and tests.

    A pair is one patient with a usable specimen of either kind (invasive, with HER2 evidence).
    Of several primaries, or several specimens before or after treatment, that of the index
    order of NAACCR item 3855 is taken; at a relapse the earliest. ``first`` and ``last`` are by
    day and must be of different days. Pairs with a specimen that is in none of the three groups
    are counted apart.

    Parameters
    ----------
    first, second
        ``primary`` or ``before_treatment`` against ``metastasis``, ``recurrence`` or
        ``metastasis_or_recurrence``; ``before_treatment`` against ``after_neoadjuvant``;
        ``first`` against ``last``.
    by
        Patients' column with levels, such as ``hr_status``: a table for each as well.
    edition, policies
        As `classify_her2` takes them; each specimen is classified by itself.

    Raises
    ------
    SpecError
        For kinds that make no pair, a column that is not there, or a cohort without specimens.

    Notes
    -----
    Method: Cohen's kappa with the standard errors of Fleiss, Cohen and Everitt 1969; Wilson's
    limits; Bowker 1948; Stuart 1955 and Maxwell 1970. Checked against worked patients
    (tests/cohort/test_change.py) and R (tests/cohort/test_agreement.py).
    """
    specimens = _checked(cohort, first, second, by)
    usable = judged_specimens(cohort, specimens, (edition, resolved(policies)))
    pairs = _paired(cohort, usable, (first, second), by)
    rows = cohort.engine.collect(_counted(pairs)).to_pylist()
    formed = _formed(cohort, pairs)
    levels = _levels(rows, by)
    tables = [_transition(rows, None, conf_level)]
    tables += [_transition([r for r in rows if r["level"] == g], g, conf_level) for g in levels]
    return Her2Change(
        first=first,
        second=second,
        by=by,
        formed=formed,
        transitions=tuple(tables),
        unclassified=_outside(rows),
        n_without_group=sum(r["n"] for r in rows if by is not None and r["level"] is None),
        conf_level=conf_level,
        findings=_findings(formed, tables[0]),
    )


def _checked(cohort: Cohort, first: str, second: str, by: str | None) -> LazyTable:
    """The specimens, or every problem of what was asked."""
    problems = []
    if (first, second) not in PAIRS:
        pairs = listed(f"{a} and {b}" for a, b in PAIRS)
        problems.append(Problem("her2_change", f"'{first}' and '{second}' make no pair", pairs))
    if by is not None and by not in cohort.columns:
        allowed, near = f"Columns: {listed(cohort.columns)}", suggest(by, cohort.columns)
        problems.append(Problem("her2_change: by", f"'{by}' is not a column", allowed, near))
    if cohort.specimens is None:
        found = f"source '{cohort.source}' holds one HER2 result a patient"
        problems.append(Problem("her2_change", found, advice="Use a source with specimens."))
    if problems or cohort.specimens is None:
        raise SpecError(problems)
    return cohort.specimens


def _is(kind: str) -> nw.Expr:
    """Whether a specimen is of a kind."""
    site, timing = nw.col("specimen_site"), nw.col("specimen_timing")
    again = (timing == "recurrence").fill_null(False)
    distant = (site == "distant").fill_null(False)
    elsewhere = site.is_in(["regional", "distant"]).fill_null(False)
    dated = ~nw.col("specimen_day").is_null()
    return {
        "primary": ~elsewhere & ~again,
        "before_treatment": (timing == "before_treatment").fill_null(False) & ~distant,
        "after_neoadjuvant": (timing == "after_neoadjuvant").fill_null(False) & ~distant,
        "metastasis": distant,
        "recurrence": again,
        "metastasis_or_recurrence": distant | again,
        "first": dated,
        "last": dated,
    }[kind]


def _paired(cohort: Cohort, usable: LazyTable, kinds: tuple[str, str], by: str | None) -> LazyTable:
    """Patients with the specimen of either kind, null where they have none, and if they pair."""
    joined = cohort.patients.select(
        "patient_id",
        level=nw.lit(None).cast(nw.String) if by is None else nw.col(by).cast(nw.String),
    )
    for place, kind in zip(("a", "b"), kinds, strict=True):
        of_kind = usable.filter(nw.col("usable") & _is(kind))
        taken = chosen(of_kind, cohort.engine, _ORDER.get(kind, "item_3855")).select(
            "patient_id",
            nw.col("her2_status").alias(f"status_{place}"),
            nw.col("specimen_day").alias(f"day_{place}"),
        )
        numbers = of_kind.group_by("patient_id").agg(nw.len().alias(f"n_{place}"))
        joined = joined.join(taken, on="patient_id", how="left")
        joined = joined.join(numbers, on="patient_id", how="left")
    both = ~(nw.col("status_a").is_null() | nw.col("status_b").is_null())
    later = nw.lit(True)
    if kinds == ("first", "last"):
        later = (nw.col("day_b") > nw.col("day_a")).fill_null(False)
    made = joined.with_columns(both=both, pairs=both & later)
    return cohort.engine.materialise(made)


def _counted(pairs: LazyTable) -> LazyTable:
    """Pairs by the status of both specimens and the level of the patient."""
    paired = pairs.filter(nw.col("pairs"))
    keys = ["status_a", "status_b", "level"]
    return paired.group_by(keys).agg(n=nw.len()).sort(*keys)


def _formed(cohort: Cohort, pairs: LazyTable) -> PairCounts:
    a, b = ~nw.col("status_a").is_null(), ~nw.col("status_b").is_null()
    earlier = nw.col("pairs") & (nw.col("day_b") < nw.col("day_a")).fill_null(False)
    conditions = {
        "only_first": a & ~b,
        "only_second": ~a & b,
        "neither": ~a & ~b,
        "several_first": (nw.col("n_a") > 1).fill_null(False),
        "several_second": (nw.col("n_b") > 1).fill_null(False),
        "one_only": nw.col("both") & ~nw.col("pairs") & (nw.col("n_a") == 1).fill_null(False),
        "not_later": nw.col("both") & ~nw.col("pairs") & (nw.col("n_a") > 1).fill_null(False),
        "second_earlier": earlier,
        "pairs": nw.col("pairs"),
    }
    sums = {name: when.cast(nw.Int64).sum() for name, when in conditions.items()}
    row = cohort.engine.collect(pairs.select(**sums)).to_pylist()[0]
    return PairCounts(cohort.n, **{name: int(row[name] or 0) for name in conditions})


def _levels(rows: Sequence[Mapping[str, Any]], by: str | None) -> list[str]:
    """Levels that have a pair, in the schema's order."""
    seen = {str(row["level"]) for row in rows if row["level"] is not None}
    known = column(by) if by is not None else None
    return [v for v in known.levels if v in seen] if known and known.levels else sorted(seen)


def _transition(
    rows: Sequence[Mapping[str, Any]], group: str | None, conf_level: float
) -> Transition:
    """The table of one group with everything computed from it."""
    n = {(a, b): 0 for a in HER2_STATUS for b in HER2_STATUS}
    for row in rows:
        n[row["status_a"], row["status_b"]] += int(row["n"])
    counts = tuple(tuple(n[a, b] for b in HER2_GROUPS) for a in HER2_GROUPS)
    total = sum(map(sum, counts))
    k = range(len(HER2_GROUPS))
    higher = sum(counts[i][j] for i in k for j in k if j > i)
    lower = sum(counts[i][j] for i in k for j in k if j < i)
    return Transition(
        group=group,
        counts=counts,
        shares=tuple(tuple(_share(c, sum(row), conf_level) for c in row) for row in counts),
        n_unclassified=sum(n.values()) - total,
        changed=_share(higher + lower, total, conf_level),
        higher=_share(higher, total, conf_level),
        lower=_share(lower, total, conf_level),
        kappas=tuple(kappa(counts, weights=w, conf_level=conf_level) for w in _WEIGHTS),
        tests=(bowker(counts), stuart_maxwell(counts)),
    )


def _share(n: int, total: int, conf_level: float) -> Share:
    if total == 0:
        return Share(n, total, None, None, None)
    return Share(n, total, n / total, *wilson(n, total, conf_level))


def _outside(rows: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, str, int], ...]:
    """Pairs outside of the three groups, by the statuses of both specimens."""
    found: dict[tuple[str, str], int] = {}
    for row in rows:
        pair = row["status_a"], row["status_b"]
        if not set(pair) <= set(HER2_GROUPS):
            found[pair] = found.get(pair, 0) + int(row["n"])
    order = {status: i for i, status in enumerate(HER2_STATUS)}
    return tuple((*p, found[p]) for p in sorted(found, key=lambda p: (order[p[0]], order[p[1]])))


def _findings(formed: PairCounts, table: Transition) -> tuple[Finding, ...]:
    """What a reader of the table must know of its pairs."""
    found = []
    if formed.second_earlier:
        found.append(
            Finding("warning", "her2_change", "specimen_day", "", "second_earlier",
                    formed.second_earlier,
                    "The second specimen is dated before the first: paired all the same.", "pair")
        )  # fmt: skip
    if table.n_unclassified:
        found.append(
            Finding("info", "her2_change", "her2_status", "", "pairs_unclassified",
                    table.n_unclassified,
                    "Pairs with a specimen in none of the three groups: counted apart.", "pair")
        )  # fmt: skip
    if 0 < table.n < 30:
        found.append(
            Finding("warning", "her2_change", "her2_status", "", "few_pairs", table.n,
                    "Fewer than 30 pairs: kappa's limits rest on large samples.", "pair")
        )  # fmt: skip
    return tuple(found)
