"""The records of who was counted: the flow of patients, the endpoints' events, the HER2 groups."""

from __future__ import annotations

from collections.abc import Sequence

from analyses.results.records import Record
from analyses.results.study import Endpoint
from cohort.table import AttritionStep


def flow_records(steps: Sequence[AttritionStep], endpoints: Sequence[Endpoint]) -> list[Record]:
    """The counts of the flow diagram: left out and remaining, in all and by group."""
    records = []
    chains = [(f"flow.{step.id}", step) for step in steps]
    chains += [(f"flow.{e.id}.{step.id}", step) for e in endpoints for step in e.steps]
    for name, step in chains:
        records.append(Record(name, "attrition", "n_unknown", n=step.n_unknown, unit="patients"))
        for quantity, n, groups in (
            ("n_removed", step.n_removed, step.removed_by_group),
            ("n_after", step.n_after, step.after_by_group),
        ):
            records.append(Record(name, "attrition", quantity, n=n, unit="patients"))
            records += [
                Record(name, "attrition", quantity, group=group, n=k, unit="patients")
                for group, k in groups
            ]
    for e in endpoints:
        name = f"endpoint.{e.id}"
        records.append(
            Record(name, "endpoint", "n_event", n=e.n, n_event=e.n_event, unit="patients")
        )
        if e.n_competing is not None:
            records.append(
                Record(name, "endpoint", "n_competing", n=e.n_competing, unit="patients")
            )
    return records


def her2_records(counts: Sequence[tuple[str, str, str, int]]) -> list[Record]:
    """Patients by status, and by status and rule, before selection."""
    by_status: dict[str, int] = {}
    by_rule: dict[tuple[str, str], int] = {}
    for status, rule, _, n in counts:
        by_status[status] = by_status.get(status, 0) + n
        by_rule[status, rule] = by_rule.get((status, rule), 0) + n
    return [
        *(Record("her2", "her2", "n", group=s, n=n, unit="patients") for s, n in by_status.items()),
        *(
            Record("her2", "her2", "n", group=status, term=rule, n=n, unit="patients")
            for (status, rule), n in by_rule.items()
        ),
    ]
