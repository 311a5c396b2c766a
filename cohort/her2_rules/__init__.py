"""The HER2 rule tables as data, read once and checked to decide every case exactly once."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product

import pyarrow as pa

from cohort.her2_cuts import ANY, MISSING, NumberClass, classes, members

Row = dict[str, str]
Rows = tuple[Row, ...]
Classes = Mapping[str, tuple[NumberClass, ...]]

# What a cell of a rule table may name, by its column; numbers have cut points instead.
KEYS: dict[str, tuple[str, ...]] = {
    "ihc": ("0", "1+", "2+", "3+", "uncertain", MISSING),
    "ish": ("positive", "negative", "equivocal", "unresolved", MISSING),
    "label": ("negative", "equivocal", "positive", MISSING),
    "reported": ("negative", "negative_or_equivocal", "equivocal", "positive", MISSING),
    "other": ("negative", "equivocal", "positive", MISSING),
    "timing": ("before_treatment", "after_neoadjuvant", "recurrence", MISSING),
    "assay": ("expression", "not_stated", MISSING),
    "intensity": ("none", "faint", "weak", "moderate", "intense", MISSING),
    "completeness": ("none", "incomplete", "complete", MISSING),
    "decided": ("zero", "low", "positive", "negative_unspecified", "unresolved", "unknown"),
}
CATEGORY_KEYS = ("ihc", "ish", "label", "reported")
_OUTCOME = ("status", "detail", "flags", "by_policy")
STAIN_KEYS = ("intensity", "completeness", "percent")


@dataclass(frozen=True, slots=True)
class Policy:
    """One edge case (E1, E2, ...): its choices, the default first, and what each means.

    `strictness` ranks the choices by whom they let into zero and low, a higher rank never more
    than a lower one; None where a choice only moves patients. `stage` executes the policy.
    """

    id: str
    stage: str
    choices: tuple[str, ...]
    meanings: tuple[str, ...]
    strictness: tuple[int | None, ...]

    def meaning(self, choice: str) -> str:
        """The sentence that the methods text prints for a choice."""
        return self.meanings[self.choices.index(choice)]


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition of the guideline and the tables that hold its definitions."""

    year: int
    ish: str
    ihc: str
    verified: str
    source: str
    meaning: str


@cache
def read(name: str) -> Rows:
    """Rows of one rule table, as text."""
    text = files("cohort.her2_rules").joinpath(f"{name}.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


@cache
def editions() -> dict[int, Edition]:
    """The editions by their year."""
    rows = [
        Edition(int(r["edition"]), r["ish"], r["ihc"], r["verified"], r["source"], r["meaning"])
        for r in read("editions")
    ]
    return {edition.year: edition for edition in rows}


def ish_rows(edition: int) -> Rows:
    """The in-situ table of an edition."""
    return read(f"ish_{editions()[edition].ish}")


@cache
def policies() -> tuple[Policy, ...]:
    """The edge cases with their choices, defaults first, in the order of the table."""
    found: dict[str, list[Row]] = {}
    for row in read("policies"):
        rows = found.setdefault(row["policy"], [])
        rows.insert(0 if row["default"] == "yes" else len(rows), row)
    return tuple(
        Policy(
            name,
            rows[0]["stage"],
            tuple(row["choice"] for row in rows),
            tuple(row["meaning"] for row in rows),
            tuple(int(row["strictness"]) if row["strictness"] else None for row in rows),
        )
        for name, rows in found.items()
    )


def departure(policy: str, choice: str) -> str | None:
    """``yes`` where the choice is not the default of its policy."""
    default = next(one.choices[0] for one in policies() if one.id == policy)
    return None if choice == default else "yes"


def overrides(chosen: Mapping[str, str]) -> Rows:
    """Rows that the chosen policies put before the category table; the first that fits counts."""
    return tuple(row for row in read("overrides") if chosen[row["policy"]] == row["choice"])


def number_classes(edition: int, chosen: Mapping[str, str]) -> Classes:
    """The classes of ratio, dual and single-probe signals that the tables in force tell apart."""
    rows, active = ish_rows(edition), overrides(chosen)
    dual = [row for row in rows if row["probe"] != "single"]
    return {
        "ratio": classes(row["ratio"] for row in (*dual, *active)),
        "copies": classes([*(row["copies"] for row in dual), *(row["copies"] for row in active)]),
        "single": classes(
            [
                *(row["copies"] for row in rows if row["probe"] == "single"),
                *(row["single"] for row in active),
            ]
        ),
    }


def dual_table(edition: int, chosen: Mapping[str, str]) -> pa.Table:
    """What ratio, dual-probe signals and score decide: ``dual_rule, dual_probe, dual_result``."""
    alone = "ratio_alone" if chosen["E19"] == "ratio_alone" else "ratio_open"
    probes = ("dual", "partial", alone)
    rows = [row for row in ish_rows(edition) if row["probe"] in probes]
    columns = {"id": "rule", "probe": "probe", "result": "result", "flags": "flags"}
    made = _expanded(rows, ("ratio", "copies", "ihc"), number_classes(edition, chosen))
    return _table(made, ("ratio", "copies", "ihc"), columns, "dual")


def single_table(edition: int, chosen: Mapping[str, str]) -> pa.Table:
    """What single-probe signals and score decide: ``single_rule, single_result``."""
    rows = [
        row | {"single": row["copies"]} for row in ish_rows(edition) if row["probe"] == "single"
    ]
    made = _expanded(rows, ("single", "ihc"), number_classes(edition, chosen))
    return _table(made, ("single", "ihc"), {"id": "rule", "result": "result"}, "single")


def stain_classes(edition: int) -> Classes:
    """The classes of the percentage of cells stained that the edition's definitions tell apart."""
    return {"percent": classes(row["percent"] for row in _staining(edition))}


def stain_table(edition: int) -> pa.Table:
    """The score of each pattern of staining that the edition defines: ``stain_rule, stain_ihc``."""
    made = _expanded(_staining(edition), STAIN_KEYS, stain_classes(edition))
    return _table(made, STAIN_KEYS, {"id": "rule", "ihc": "ihc"}, "stain")


def category_table(chosen: Mapping[str, str]) -> pa.Table:
    """One row for each combination of score, in-situ result, wording and summary.

    `chosen` maps every policy to its choice. Columns: the keys, ``rule, status, detail, flags,
    by_policy`` (``yes`` where the choice is no default).
    """
    decided = {
        row["rule"]: row for row in read("policy_rows") if row["choice"] == chosen[row["policy"]]
    }
    rows = []
    for row in read("category"):
        outcome = row | {"flags": "", "by_policy": ""}
        if row["id"] in decided:
            outcome |= decided[row["id"]]
            outcome["by_policy"] = departure(outcome["policy"], outcome["choice"]) or ""
        rows.append(row | {key: outcome[key] for key in _OUTCOME})
    made = _expanded(rows, CATEGORY_KEYS, {})
    expected = 1
    for key in CATEGORY_KEYS:
        expected *= len(KEYS[key])
    if len(made) != expected:
        raise ValueError(f"category.csv decides {len(made)} of {expected} combinations")
    columns = {"id": "rule"} | {name: name for name in _OUTCOME}
    return _table(made, CATEGORY_KEYS, columns, "")


def values(cell: str, key: str, numbers: Classes) -> tuple[str, ...]:
    """The values of one cell: a list separated by ``|``, a range, or every value for ``any``."""
    if key in numbers:
        return members(cell, numbers[key])
    if cell == ANY:
        return KEYS[key]
    wrong = [value for value in cell.split("|") if value not in KEYS[key]]
    if wrong:
        raise ValueError(f"'{wrong[0]}' is not a value of {key}")
    return tuple(cell.split("|"))


def _staining(edition: int) -> Rows:
    table = editions()[edition].ihc
    return tuple(row for row in read("staining") if row["edition"] == table)


def _expanded(
    rows: Iterable[Row], keys: Sequence[str], numbers: Classes
) -> dict[tuple[str, ...], Row]:
    """The row of each combination of keys; ValueError where two rows decide one."""
    found: dict[tuple[str, ...], Row] = {}
    for row in rows:
        for combination in product(*(values(row[key], key, numbers) for key in keys)):
            if combination in found:
                raise ValueError(f"rules {found[combination]['id']} and {row['id']}: {combination}")
            found[combination] = row
    return found


def _table(
    made: Mapping[tuple[str, ...], Row],
    keys: Sequence[str],
    columns: Mapping[str, str],
    stem: str,
) -> pa.Table:
    """Keys and outcomes as text, empty cells as missing; `stem` begins the outcomes' names."""
    data: dict[str, list[str | None]] = {
        f"k_{key}": [place[i] for place in made] for i, key in enumerate(keys)
    }
    for source, name in columns.items():
        data[f"{stem}_{name}" if stem else name] = [row[source] or None for row in made.values()]
    return pa.table(data, schema=pa.schema([(name, pa.string()) for name in data]))
