"""The page of endpoints, from the tables of cohort.endpoint_rules."""

from __future__ import annotations

from markdown import as_written, code, page, read, table
from worked import ABOUT, of_endpoints, worked

from cohort.endpoint_rules import EVENTS

_PACKAGE = "cohort.endpoint_rules"


def text() -> str:
    """The page."""
    endpoints = read(_PACKAGE, "endpoints")
    matrix = read(_PACKAGE, "matrix")
    cells = {(row["endpoint"], row["event"]): row for row in matrix}
    kinds = [row["endpoint"] for row in endpoints]
    shown = worked(of_endpoints())
    return page(
        "# Endpoints",
        "An endpoint ends with the first event that counts for it. Those whose definition is not "
        "checked throughout (`verified` other than `yes`) are made only when a study asks for "
        "them, and are marked in its report.",
        as_written(endpoints),
        "## What each event is to each endpoint",
        "`event` ends it; `competing` ends it in another way; `censor` ends its follow-up; "
        "`ignore` changes nothing. A cell from memory has a question mark.",
        table(
            ("event", *kinds),
            ((code(event), *(_cell(cells[kind, event]) for kind in kinds)) for event in EVENTS),
        ),
        "## Where each cell is written",
        as_written(matrix),
        "## Worked patients" if shown.strip() else "",
        ABOUT if shown.strip() else "",
        shown,
    )


def _cell(row: dict[str, str]) -> str:
    return f"{row['value']}?" if row["verified"] == "memory" else row["value"]
