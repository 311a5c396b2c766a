"""A hazard ratio corrected for misreading of two levels, with what the correction leaves open."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from analyses.results.frozen import Array
from analyses.results.records import Record, checked
from analyses.results.robust import Conclusion, Estimate, concluded, risen
from cohort.table import Finding

if TYPE_CHECKING:
    import pandas as pd

KIND = "bias_analysis"


@dataclass(frozen=True, slots=True)
class Reading:
    """How often a true level is read as itself: counts as given, and what was drawn of it.

    `ending` is ``event`` or ``no event`` where misreading depends on the outcome, else empty.
    `right` and `wrong` are counts of readings; `mean`, `low` and `high` of the drawn share.
    """

    level: str
    ending: str
    right: float
    wrong: float
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class BiasAnalysis:
    """What a contrast tends to once readings are corrected, over draws of what is not known.

    Attributes
    ----------
    term, level, reference
        The contrast, whose two levels are misread for each other.
    conventional
        As estimated with the levels as read; its limits hold random error alone.
    corrections, totals
        Log hazard ratios, one a draw: corrected (what the misreading leaves open), and with
        random error of the corrected model added.
    systematic, total
        Median and limits of the two, on the log scale: quantiles of type 7.
    n, n_event
        Patients and events of the two levels.
    n_upper, n_lower
        Patients of either level that could have been misread; the others stay as they are.
    up, down
        Mean numbers of patients read at the reference but truly at the level, and the reverse.
    readings
        Shares of right readings, by true level and, where `is_differential`, by outcome.
    draws, n_impossible, n_failed, seed
        Draws asked for; those whose shares contradict what was read; those without an estimate;
        the seed.
    """

    term: str
    level: str
    reference: str
    conventional: Estimate
    corrections: Array
    totals: Array
    systematic: tuple[float, float, float]
    total: tuple[float, float, float]
    n: int
    n_event: int
    n_upper: int
    n_lower: int
    up: float
    down: float
    readings: tuple[Reading, ...]
    is_differential: bool
    draws: int
    n_impossible: int
    n_failed: int
    seed: int
    conf_level: float
    findings: tuple[Finding, ...] = ()

    @property
    def conclusion(self) -> Conclusion:
        """What is concluded once misreading is counted in."""
        return concluded(*self.total[1:])

    @property
    def n_used(self) -> int:
        """Draws that the numbers rest on."""
        return len(self.corrections)

    @property
    def summary(self) -> pd.DataFrame:
        """One row a hazard ratio: as read, corrected, and corrected with random error."""
        import pandas as pd

        rows = [row for row in self._rows() if not str(row["quantity"]).startswith("log_")]
        return pd.DataFrame(rows).astype(dict.fromkeys(_NUMBERS, float))

    def _rows(self) -> Iterator[dict[str, Any]]:
        place: dict[str, Any] = {"term": self.term, "level": self.level}
        place |= {"reference": self.reference, "n": self.n, "n_event": self.n_event}
        kept = self.conventional
        sets = (
            ("as_read", (kept.estimate, kept.conf_low, kept.conf_high)),
            ("corrected", self.systematic),
            ("corrected_total", self.total),
        )
        for name, values in sets:
            yield {"quantity": f"log_hazard_ratio_{name}"} | place | _named(values)
            yield {"quantity": f"hazard_ratio_{name}"} | place | _named([risen(v) for v in values])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types; what is not defined is None."""
        plain = {name: getattr(self, name) for name in _PLAIN}
        return plain | {
            "conventional": asdict(self.conventional),
            "systematic": list(self.systematic),
            "total": list(self.total),
            "conclusion": self.conclusion,
            "readings": [asdict(reading) for reading in self.readings],
            "corrections": self.corrections.tolist(),
            "totals": self.totals.tolist(),
            "findings": [asdict(finding) for finding in self.findings],
        }

    def records(self, analysis: str, unit: str | None = None) -> tuple[Record, ...]:
        """One record a number; `unit` is that of follow-up, which none is in."""
        del unit
        return checked(self._records(analysis))

    def _records(self, analysis: str) -> Iterator[Record]:
        for row in self._rows():
            held = row["estimate"] is not None
            reason = None if held else "the hazard ratio is too large to write"
            yield Record(
                analysis, KIND, status="ok" if held else "not_estimable", reason=reason, **row
            )
        for reading in self.readings:
            yield Record(
                analysis,
                KIND,
                "read_right",
                group=reading.ending or None,
                level=reading.level,
                n=int(reading.right + reading.wrong),
                estimate=reading.mean,
                conf_low=reading.low,
                conf_high=reading.high,
            )
        counts = {
            "could_be_misread": self.n_upper + self.n_lower,
            "draws": self.draws,
            "draws_impossible": self.n_impossible,
            "draws_failed": self.n_failed,
        }
        for name, n in counts.items():
            yield Record(analysis, KIND, name, n=n)
        for name, mean in (("misread_up", self.up), ("misread_down", self.down)):
            yield Record(analysis, KIND, name, estimate=mean, unit="patients")

    def plot(self, ax: Any = None) -> Any:
        """The draws beside the hazard ratio as read; returns the named artists."""
        from analyses.plots.bias_analysis import plot_bias_analysis

        return plot_bias_analysis(self, ax=ax)

    def _repr_html_(self) -> str:
        """A readable table in a notebook."""
        shown = self.summary[["quantity", "estimate", "conf_low", "conf_high"]]
        head = (
            f"<p><b>Misreading of {escape(self.level)} and {escape(self.reference)}</b>, "
            f"{self.n_used:,} draws</p>"
        )
        return head + str(shown.to_html(index=False, na_rep=""))


_NUMBERS = ("estimate", "conf_low", "conf_high")
_PLAIN = (
    *("term", "level", "reference", "n", "n_event", "n_upper", "n_lower", "up", "down"),
    *("is_differential", "draws", "n_impossible", "n_failed", "seed", "conf_level"),
)


def _named(values: Any) -> dict[str, float | None]:
    """An estimate and its limits by name; limits without an estimate are none."""
    if values[0] is None:
        return dict.fromkeys(_NUMBERS)
    return dict(zip(_NUMBERS, values, strict=True))
