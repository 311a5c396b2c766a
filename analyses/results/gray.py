"""What Gray's test says: for each event whether groups share its cumulative incidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from analyses.results.frozen import Array
from analyses.results.left_out import left_out_records
from analyses.results.records import Record, checked
from analyses.results.standardised import NORMAL_CRITICAL, Standardised, groups_in_errors
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

KIND = "gray_test"
NO_GROUP = "no event of this kind compares the group with another"


@dataclass(frozen=True, slots=True, eq=False)
class CauseTest:
    """The test for one event.

    Attributes
    ----------
    statistic, df, p_value
        Chi-square; None, 0, None with a `reason` where no test exists.
    n_event
        Events of this kind by group.
    score, variance
        Of each group: observed less expected under one incidence, and their covariance.
    """

    cause: str
    statistic: float | None
    df: int
    p_value: float | None
    n_event: tuple[int, ...]
    score: Array
    variance: Array
    reason: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class GrayTest:
    """Gray's test of each event, groups against each other.

    Attributes
    ----------
    tests
        One an event, in the order of the states.
    groups, n
        Levels and their patients.
    by, state, strata
        Columns of the groups, of how follow-up ended, and of the strata.
    n_input, n_missing
        Rows given, and (column, rows without a value in it).
    findings
        Groups with few or no events of a kind.
    """

    tests: tuple[CauseTest, ...]
    groups: tuple[str, ...]
    n: tuple[int, ...]
    by: str
    state: str
    strata: tuple[str, ...]
    n_input: int
    n_missing: tuple[tuple[str, int], ...]
    findings: tuple[Finding, ...] = ()

    @property
    def summary(self) -> pd.DataFrame:
        """One row an event: level, n, n_event, statistic, df, p_value, reason."""
        import pandas as pd

        rows = [_values(test, sum(self.n)) for test in self.tests]
        return pd.DataFrame(rows).astype({"statistic": float, "p_value": float})

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        return {
            **{name: getattr(self, name) for name in ("by", "state", "n_input")},
            "groups": list(self.groups),
            "n": list(self.n),
            "strata": list(self.strata),
            "n_missing": dict(self.n_missing),
            "tests": [
                _values(test, sum(self.n))
                | {"score": test.score.tolist(), "variance": test.variance.tolist()}
                | {"n_event_by_group": list(test.n_event)}
                for test in self.tests
            ],
            "findings": [asdict(finding) for finding in self.findings],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record an event; nothing here is in `unit`."""
        del unit
        return checked(self._records(analysis))

    def _records(self, analysis: str) -> Iterator[Record]:
        yield from left_out_records(analysis, KIND, sum(self.n), self.n_input, self.n_missing)
        for test in self.tests:
            yield Record(
                analysis,
                KIND,
                KIND,
                term=self.by,
                **_values(test, sum(self.n)),
                status="ok" if test.statistic is not None else "not_estimable",
            )

    @property
    def standardised(self) -> tuple[tuple[str, tuple[Standardised, ...]], ...]:
        """(event, each group's score in its standard errors): above 0, more than expected."""
        found = []
        for test in self.tests:
            values = groups_in_errors(test.score, test.variance)
            rows = [
                Standardised(
                    group,
                    "",
                    value,
                    None if value is None else NORMAL_CRITICAL,
                    None,
                    None if value is not None else test.reason or NO_GROUP,
                )
                for group, value in zip(self.groups, values, strict=True)
            ]
            found.append((test.cause, tuple(rows)))
        return tuple(found)

    def plot(self, ax: Any = None) -> Any:
        """Each group's score in standard errors, by event; returns the named artists."""
        from analyses.plots.standardised import plot_gray

        return plot_gray(self, ax=ax)

    def _repr_html_(self) -> str:
        """The tests as a readable table in a notebook."""
        head = f"<p><b>Gray's test</b> by {escape(self.by)}, {sum(self.n):,} patients</p>"
        return head + str(self.summary.to_html(index=False, na_rep=""))


def _values(test: CauseTest, n: int) -> dict[str, Any]:
    """One event's line of the tidy table."""
    return {
        "level": test.cause,
        "n": n,
        "n_event": sum(test.n_event),
        "statistic": test.statistic,
        "df": test.df,
        "p_value": test.p_value,
        "reason": test.reason,
    }
