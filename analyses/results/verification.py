"""What a second program said of the numbers: deviations by quantity, and what has no second."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from analyses.results.records import Record, checked

if TYPE_CHECKING:
    import pandas as pd

KIND = "verification"
Verdict = Literal["agrees", "deviates", "none independent"]
SCOPE = (
    "Recomputed from the selected patients: loading, classification, endpoints and selection are "
    "not checked by it."
)


@dataclass(frozen=True, slots=True)
class Compared:
    """The numbers of one quantity of one analysis, beside those of a second program.

    Attributes
    ----------
    analysis, quantity
        As the records have them; the models of single terms are one analysis.
    numbers
        Which numbers: ``estimate, std_error``.
    n
        How many numbers were compared, or have no second program.
    largest_absolute, largest_relative
        Largest deviations; None where one program has a number and the other none, and where
        nothing was compared. Relative to the larger of both numbers, for an estimate and its
        limits at least to the standard error, for a statistic at least to 1; of p-values their
        logarithms are compared.
    tolerance
        Largest relative deviation that is allowed; counts and degrees of freedom must be equal.
    verdict
        ``agrees``, ``deviates`` or ``none independent``.
    program
        The second program with its version; empty where there is none.
    reason
        Why there is none, or what deviates most.
    record
        Id of the record that deviates most.
    """

    analysis: str
    quantity: str
    numbers: str
    n: int
    largest_absolute: float | None
    largest_relative: float | None
    tolerance: float | None
    verdict: Verdict
    program: str = ""
    reason: str = ""
    record: str = ""

    def records(self, analysis: str = KIND) -> tuple[Record, ...]:
        """Relative and absolute deviation, or the numbers that have no second program."""
        place: dict[str, Any] = {"group": self.analysis, "term": self.quantity}
        place |= {"level": f"{self.numbers}; {self.program or self.reason}", "n": self.n}
        place |= {"reason": self.reason or None}
        if self.verdict == "none independent":
            return (Record(analysis, KIND, "no_second_program", **place),)
        place |= {"status": "ok" if self.verdict == "agrees" else "failed"}
        relative, absolute = self.largest_relative, self.largest_absolute
        return (
            Record(analysis, KIND, "largest_relative_deviation", estimate=relative, **place),
            Record(analysis, KIND, "largest_absolute_deviation", estimate=absolute, **place),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Verification:
    """Every number of a study beside what an independent program makes of the same patients.

    Attributes
    ----------
    rows
        In the order of the study file; quantities without a second program are among them.
    programs
        Names and versions of the programs that recomputed.
    """

    rows: tuple[Compared, ...]
    programs: tuple[str, ...]

    @property
    def deviating(self) -> tuple[Compared, ...]:
        """Rows past their tolerance."""
        return tuple(row for row in self.rows if row.verdict == "deviates")

    @property
    def agrees(self) -> bool:
        """Whether no number deviates past its tolerance."""
        return not self.deviating

    @property
    def n_compared(self) -> int:
        """Numbers that a second program has recomputed."""
        return sum(row.n for row in self.rows if row.verdict != "none independent")

    @property
    def n_without(self) -> int:
        """Numbers for which there is no second program."""
        return sum(row.n for row in self.rows if row.verdict == "none independent")

    @property
    def largest(self) -> Compared | None:
        """The row with the largest deviation for its tolerance; None where nothing was compared."""
        found = [row for row in self.rows if row.verdict != "none independent"]
        return max(found, key=_share, default=None)

    @property
    def summary(self) -> pd.DataFrame:
        """One row a quantity, as `rows`."""
        import pandas as pd

        return pd.DataFrame([asdict(row) for row in self.rows])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        return {
            "agrees": self.agrees,
            "n_compared": self.n_compared,
            "n_without": self.n_without,
            "programs": list(self.programs),
            "rows": [asdict(row) for row in self.rows],
        }

    def records(self, analysis: str = KIND) -> tuple[Record, ...]:
        """The largest deviations and the counts of numbers, one record each."""
        return checked(self._records(analysis))

    def _records(self, analysis: str) -> Iterator[Record]:
        yield Record(analysis, KIND, "numbers_compared", n=self.n_compared)
        yield Record(analysis, KIND, "numbers_without_second_program", n=self.n_without)
        for row in self.rows:
            yield from row.records(analysis)

    def _repr_html_(self) -> str:
        """The rows as a readable table in a notebook."""
        said = "agree" if self.agrees else "do not agree"
        head = f"<p><b>Double programming</b>: {self.n_compared:,} numbers {said}. {SCOPE}</p>"
        return head + str(self.summary.to_html(index=False, na_rep=""))


def _share(row: Compared) -> float:
    """The largest deviation as a share of what is allowed."""
    if row.largest_relative is None:
        return float("inf")
    return row.largest_relative / row.tolerance if row.tolerance else row.largest_relative
