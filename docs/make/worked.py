"""The worked patients of tests/spec_tables, as the reference shows them."""

from __future__ import annotations

from collections.abc import Iterable

from markdown import code, page, table
from spec_tables import CANONICAL, EXPECTED, SpecTable, read_all

ABOUT = (
    "What stands left of the arrows is given, what stands at an arrow must come out; both are "
    "tests that run on DuckDB and on Spark. A blank cell is missing. A line without a patient "
    "goes on with the one above."
)


def worked(tables: Iterable[SpecTable]) -> str:
    """Each table under its heading."""
    return page(*(part for one in tables for part in (f"### {one.title}", one.says, _table(one))))


def of_source(source: str) -> tuple[SpecTable, ...]:
    """Tables of one source; those of canonical columns that show endpoints are apart."""
    apart = of_endpoints()
    return tuple(one for one in read_all() if one.source == source and one not in apart)


def of_endpoints() -> tuple[SpecTable, ...]:
    """Tables of canonical columns that show endpoints."""
    return tuple(one for one in read_all() if one.source == CANONICAL and one.endpoints)


def _table(one: SpecTable) -> str:
    shown = [name for name in one.columns if any(row[name] for row in one.rows)]
    headings = [
        name.replace(EXPECTED, "→ ") if name.startswith(EXPECTED) else name for name in shown
    ]
    plain = ("why", "patient")
    rows = (
        [row[name] if name in plain else code(row[name].replace("|", "¦")) for name in shown]
        for row in one.rows
    )
    return table(headings, rows)
