"""The HER2 rule tables as data, read once and checked to decide every case exactly once."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import product

import pyarrow as pa

MISSING = "missing"
KEYS = {
    "ihc": ("0", "1+", "2+", "3+", MISSING),
    "ratio": ("ge2", "lt2", MISSING),
    "copies": ("ge6", "ge4_lt6", "lt4", MISSING),
    "ish": ("positive", "negative", "equivocal", "unresolved", MISSING),
    "label": ("negative", "equivocal", "positive", MISSING),
    "reported": ("negative", "negative_or_equivocal", "equivocal", "positive", MISSING),
    "status": ("zero", "low", "positive", "negative_unspecified", "unresolved", "unknown"),
}


@dataclass(frozen=True, slots=True)
class Policy:
    """One edge case (E1, E2, ...): the choices, the default first, and what each means."""

    id: str
    choices: tuple[str, ...]
    meanings: tuple[str, ...]

    def meaning(self, choice: str) -> str:
        """The sentence that the methods text prints for a choice."""
        return self.meanings[self.choices.index(choice)]


def read(name: str) -> tuple[dict[str, str], ...]:
    """Rows of one rule table, as text."""
    text = files("cohort.her2_rules").joinpath(f"{name}.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


@cache
def policies() -> tuple[Policy, ...]:
    """The edge cases with their choices, defaults first, in the order of the table."""
    found: dict[str, dict[str, str]] = {}
    for row in read("policies"):
        choices = found.setdefault(row["policy"], {})
        if row["default"] == "yes" and row["choice"] not in choices:
            found[row["policy"]] = {row["choice"]: row["meaning"], **choices}
        else:
            choices.setdefault(row["choice"], row["meaning"])
    return tuple(
        Policy(name, tuple(choices), tuple(choices.values())) for name, choices in found.items()
    )


def ish_table(edition: int, probes: Sequence[str], keys: Sequence[str]) -> pa.Table:
    """One row for each combination of the keys that a row of the edition decides.

    Columns: the keys, ``ish_rule``, ``result``, ``flags``. Raises ValueError where two rows
    decide one combination.
    """
    rows = [row for row in read(f"ish_{edition}") if row["probe"] in probes]
    return _expanded(rows, keys, {"id": "ish_rule", "result": "result", "flags": "flags"})


def category_table(chosen: dict[str, str]) -> pa.Table:
    """One row for each combination of score, in-situ result, wording and summary.

    `chosen` maps policy ids to choices; those not named take their default. Columns: ``ihc,
    ish, label, reported, rule, status, detail, flags``.
    """
    choice = {policy.id: chosen.get(policy.id, policy.choices[0]) for policy in policies()}
    decided = {
        row["rule"]: row for row in read("policies") if row["choice"] == choice[row["policy"]]
    }
    rows = []
    for row in read("category"):
        outcome = decided[row["id"]] if row["status"] == "" else row | {"flags": ""}
        rows.append(row | {key: outcome[key] for key in ("status", "detail", "flags")})
    columns = {"id": "rule", "status": "status", "detail": "detail", "flags": "flags"}
    table = _expanded(rows, ("ihc", "ish", "label", "reported"), columns)
    expected = 1
    for key in ("ihc", "ish", "label", "reported"):
        expected *= len(KEYS[key])
    if table.num_rows != expected:
        raise ValueError(f"category.csv decides {table.num_rows} of {expected} combinations")
    return table


def _expanded(
    rows: Sequence[dict[str, str]], keys: Sequence[str], columns: dict[str, str]
) -> pa.Table:
    """Rows with lists and ``any`` written out, one row a combination of keys."""
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for row in rows:
        for combination in product(*(_values(row, key) for key in keys)):
            if combination in found:
                raise ValueError(f"rules {found[combination]['id']} and {row['id']}: {combination}")
            found[combination] = row
    data: dict[str, list[str | None]] = {
        f"k_{key}": [place[i] for place in found] for i, key in enumerate(keys)
    }
    for source, name in columns.items():
        data[name] = [row[source] or None for row in found.values()]
    return pa.table(data, schema=pa.schema([(name, pa.string()) for name in data]))


def _values(row: dict[str, str], key: str) -> Iterator[str]:
    """The values of one cell: a list separated by ``|``, or every value for ``any``."""
    cell = row[key]
    if cell == "any":
        yield from KEYS[key]
        return
    for value in cell.split("|"):
        if value not in KEYS[key]:
            raise ValueError(f"rule {row.get('id')}: '{value}' is not a value of {key}")
        yield value
