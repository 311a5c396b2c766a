"""What `describe` found: a frozen result, as a table, as plain JSON, and for a notebook."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from cohort.fit import Fit
from cohort.table import Finding, SourceFile

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class ColumnSeen:
    """One canonical column of the dictionary, and what the files hold for it.

    Attributes
    ----------
    column
        Canonical name.
    table
        ``patients``, ``specimens`` or ``events``: whose rows are counted.
    headings
        Columns of the files that it is read from, as the files spell them; none where the files
        have none of those that the dictionary names.
    sought
        Columns that the dictionary names.
    read_as
        How the text is understood: its code tables, a number, a date.
    n_known
        Patients with a value.
    missing
        Patients without one, by kind.
    """

    column: str
    table: str
    headings: tuple[str, ...]
    sought: tuple[str, ...]
    read_as: str
    n_known: int
    missing: tuple[tuple[str, int], ...]

    @property
    def read(self) -> bool:
        """Whether the files, or the dictionary itself, give anything for it."""
        return bool(self.headings) or not self.sought


@dataclass(frozen=True, slots=True)
class ColumnUnread:
    """A column of a file that the dictionary does not read, with the reason where it has one."""

    role: str
    heading: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Repeats:
    """Rows whose patient is not there once.

    ``n_patients`` stand in more than one row of the file ``role`` (``n_rows`` rows together);
    ``n_without_key`` rows name no patient. ``patients`` are the keys, only where asked for.
    """

    role: str
    file: str
    key: str
    n_patients: int
    n_rows: int
    n_without_key: int
    patients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Her2Outlook:
    """Whether HER2-low can be formed from the files, why not, and what a classification gives.

    Attributes
    ----------
    possible
        Whether any patient can be told to be HER2-zero or HER2-low.
    reasons
        Why not, or for whom not; each one sentence.
    edition
        Guideline edition of the counts.
    counts
        Patients by status, in the schema's order.
    years
        By year of diagnosis (None where it is unknown): the year, and patients by status in the
        same order. Empty where the source has no years.
    """

    possible: bool
    reasons: tuple[str, ...]
    edition: int
    counts: tuple[tuple[str, int], ...]
    years: tuple[tuple[int | None, tuple[int, ...]], ...] = ()

    @property
    def formed_in(self) -> tuple[int, ...]:
        """Years of diagnosis with at least one patient of HER2-zero or HER2-low."""
        at = [i for i, (status, _) in enumerate(self.counts) if status in ("zero", "low")]
        return tuple(
            year for year, row in self.years if year is not None and any(row[i] for i in at)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Description:
    """What a source's files hold, read by the dictionary that fits them best.

    Attributes
    ----------
    source
        The dictionary that read the files; empty where none fits.
    fits
        Every dictionary that was tried, the best first.
    files
        What was read, with digests.
    n, n_tumours, n_specimens, n_events
        Patients, and what the source tells of them in rows of their own. Where it has one row a
        tumour, ``missing`` of a column counts tumours and ``n_known`` the patients.
    columns, unread
        Canonical columns of the dictionary; columns of the files that it does not read.
    not_understood
        Values that could not be used as they stand, with counts: codes not known, texts that are
        no numbers or dates, scores that are uncertain.
    implausible
        Values and dates that cannot be, or should be looked at.
    repeats
        Files in which a patient stands more than once, or rows without a patient.
    her2
        Whether HER2-low can be formed; None where no dictionary fits.
    noted
        Everything else that was seen on the way.
    """

    source: str
    fits: tuple[Fit, ...]
    files: tuple[SourceFile, ...] = ()
    n: int = 0
    n_tumours: int = 0
    n_specimens: int = 0
    n_events: int = 0
    columns: tuple[ColumnSeen, ...] = ()
    unread: tuple[ColumnUnread, ...] = ()
    not_understood: tuple[Finding, ...] = ()
    implausible: tuple[Finding, ...] = ()
    repeats: tuple[Repeats, ...] = ()
    her2: Her2Outlook | None = None
    noted: tuple[Finding, ...] = ()

    @property
    def best(self) -> Fit | None:
        """The dictionary that fits best, or the nearest where none fits."""
        return self.fits[0] if self.fits else None

    @property
    def summary(self) -> pd.DataFrame:
        """One row a canonical column: where it comes from, and how many values are known."""
        import pandas as pd

        names = ["column", "table", "headings", "read_as", "n", "n_known", "n_missing", "missing"]
        rows = [
            (
                seen.column,
                seen.table,
                ", ".join(seen.headings),
                seen.read_as,
                seen.n_known + sum(n for _, n in seen.missing),
                seen.n_known,
                sum(n for _, n in seen.missing),
                ", ".join(f"{kind} {n}" for kind, n in seen.missing),
            )
            for seen in self.columns
        ]
        return pd.DataFrame(rows, columns=names)

    def to_dict(self) -> dict[str, Any]:
        """The description as plain JSON types."""
        plain = {
            "source": self.source or None,
            "n": self.n,
            "n_tumours": self.n_tumours,
            "n_specimens": self.n_specimens,
            "n_events": self.n_events,
            "fits": [
                {**asdict(fit), "fits": fit.fits, "found": fit.found, "known": fit.known}
                for fit in self.fits
            ],
            "her2": None if self.her2 is None else _outlook(self.her2),
        }
        for name in ("files", "columns", "unread", "not_understood", "implausible", "repeats"):
            plain[name] = [asdict(item) for item in getattr(self, name)]
        plain["noted"] = [asdict(item) for item in self.noted]
        listed: dict[str, Any] = _lists(plain)
        return listed

    def _repr_html_(self) -> str:
        """The sections of the report as headings and tables."""
        from cohort.description_sections import sections

        return "".join(section.html() for section in sections(self))


def _outlook(her2: Her2Outlook) -> dict[str, Any]:
    """The outlook with its counts named by status."""
    statuses = [status for status, _ in her2.counts]
    return {
        "possible": her2.possible,
        "reasons": her2.reasons,
        "edition": her2.edition,
        "counts": dict(her2.counts),
        "years": [
            {"year": year, **dict(zip(statuses, row, strict=True))} for year, row in her2.years
        ],
        "formed_in": her2.formed_in,
    }


def _lists(value: Any) -> Any:
    """The same value with lists for tuples, as JSON reads them back."""
    if isinstance(value, dict):
        return {key: _lists(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_lists(item) for item in value]
    return value
