"""The dictionaries of tables that have the canonical columns already, written from the schema.

``python -m cohort.canonical`` writes ``dictionaries/canonical.yaml`` (follow-up in days) and
``canonical_months.yaml`` again. What `her2low classify` writes can so be read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cohort.dictionary import FOLDER
from cohort.dictionary_checks import DERIVED, PATHOLOGY
from cohort.schema import EVENT, HER2_EVIDENCE, SCHEMA, SPECIMEN, Column, column
from cohort.table import TimeUnit

NAMES: dict[TimeUnit, str] = {"days": "canonical", "months": "canonical_months"}
_OTHER: dict[TimeUnit, TimeUnit] = {"days": "months", "months": "days"}
_GIVEN = (
    *("bcss", "dss", "dfs", "dfi", "idfs", "ibcfs", "rfs", "rfi", "bcfi", "ddfs", "drfs", "drfi"),
    *("pfs", "pfi"),
)

_HEAD = """\
# Written from the schema by `python -m cohort.canonical`; a test holds it against the schema.
name: {name}
describes: A table that has the canonical columns already, follow-up in {unit}
files:
  main: {{grain: patient, key: patient_id}}
  specimens: {{grain: specimen, key: patient_id, required: false}}
  events: {{grain: event, key: patient_id, required: false}}
time: {{followup: {unit}}}
absent: left_out
identifies: {{her2_score: where the table gives her2_ihc}}
fits:
  - main.vital_status
  - {fits}
unmapped:
  - columns: [{derived}]
    reason: The HER2 groups are made again from their evidence.

columns:
"""


def canonical_dictionary(unit: TimeUnit) -> str:
    """The dictionary, as YAML, of a table with the canonical columns and this unit of time."""
    other = _OTHER[unit]
    patients = [
        name
        for name in SCHEMA
        if name not in (*DERIVED, *SPECIMEN, *EVENT, f"followup_{other}")
        or name in ("tumour_id", "tumour_size_mm", *_of_specimens())
    ]
    patients += [f"given_{name}_{what}" for name in _GIVEN for what in ("time", "event")]
    head = _HEAD.format(
        name=NAMES[unit], unit=unit, derived=", ".join(f"main.{name}" for name in DERIVED),
        fits=f"[main.followup_{unit}, main.death_day, main.last_contact_day]"
        if unit == "days" else "main.followup_months",
    )  # fmt: skip
    evidence = [*SPECIMEN, *PATHOLOGY, *HER2_EVIDENCE]
    events = ["event_kind", "event_day" if unit == "days" else "event_months"]
    return "".join(
        [
            head,
            *_rules("main", patients, "  "),
            "\nspecimens:\n  - from: specimens\n    columns:\n",
            *_rules("specimens", (name for name in SCHEMA if name in evidence), "      "),
            "\nevents:\n  - from: events\n    columns:\n",
            *_rules("events", ["tumour_id", *events], "      "),
        ]
    )


def _of_specimens() -> list[str]:
    """Columns of an index specimen, which its patient has too."""
    return [name for name in SPECIMEN if name.startswith("specimen_")]


def _rules(role: str, names: Iterable[str], indent: str) -> Iterator[str]:
    for name in names:
        known = column(name)
        if known is not None and name != "patient_id":
            yield f"{indent}{name}: {{from: {role}.{name}{_reading(known)}}}\n"


def _reading(known: Column) -> str:
    """How the text of a canonical column is read."""
    if known.kind in ("category", "boolean"):
        return ", codes: levels"
    if known.kind in ("number", "integer"):
        return ", number: {}"
    return ", date: iso" if known.kind == "date" else ""


if __name__ == "__main__":
    for each, title in NAMES.items():
        (FOLDER / f"{title}.yaml").write_text(canonical_dictionary(each), encoding="utf-8")
