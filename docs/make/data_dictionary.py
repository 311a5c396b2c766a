"""The page of canonical columns, from cohort.schema."""

from __future__ import annotations

from markdown import code, page, table

from cohort.schema import EVENT, SCHEMA, SPECIMEN, Column

_KINDS = {
    "text": "text", "category": "levels", "number": "number", "integer": "whole number",
    "boolean": "yes or no", "date": "date",
}  # fmt: skip


def text() -> str:
    """The page."""
    only = {*SPECIMEN, *EVENT} - {"patient_id", "tumour_id", "tumour_size_mm"}
    patients = [column for name, column in SCHEMA.items() if name not in only]
    return page(
        "# Data dictionary",
        "Every source is read into these columns. Levels stand in their order, the first of which "
        "is the reference unless a study says otherwise; a value outside the range is missing and "
        "counted. Missing is missing, never a level.",
        "## Patients",
        "One row a patient. A source has the columns that its dictionary gives ([sources]"
        "(sources.md)); the rules of HER2 status are in [her2_rules.md](her2_rules.md).",
        _columns(patients),
        "### Endpoints",
        "An endpoint adds columns under its `id` ([endpoints.md](endpoints.md)). Those that a "
        "source gives ready-made are `given_<kind>_time` and `given_<kind>_event`.",
        table(
            ("column", "type", "meaning"),
            [
                (code("<id>_time"), "number", "Days or months, as the source has them, to the "
                 "event or to the end of follow-up"),
                (code("<id>_event"), "yes or no", "Whether the time ends in the event"),
                (code("<id>_entry"), "number", "When the patient came under observation, where "
                 "entry is delayed"),
                (code("<id>_state"), "levels: censored, event, competing", "What the time ends in, "
                 "where other events compete"),
            ],
        ),
        "## Specimens",
        "One row a specimen, beside the columns of HER2 evidence that patients have too.",
        _columns([SCHEMA[name] for name in SPECIMEN]),
        "## Events",
        "One row an event after diagnosis; the unit is that of the source's follow-up.",
        _columns([SCHEMA[name] for name in EVENT]),
    )  # fmt: skip


def _columns(columns: list[Column]) -> str:
    return table(
        ("column", "type", "unit", "levels or range", "meaning"),
        ((code(c.name), _KINDS[c.kind], c.unit, _range(c), c.meaning) for c in columns),
    )


def _range(column: Column) -> str:
    if column.levels:
        return ", ".join(code(level) for level in column.levels)
    if column.low is None and column.high is None:
        return ""
    if column.high is None:
        return f"{column.low:g} or more"
    return f"up to {column.high:g}" if column.low is None else f"{column.low:g} to {column.high:g}"
