"""On which day what a column tells comes about: treatments, and the answer to them."""

from __future__ import annotations

from cohort.schema import SCHEMA

# Known only once the primary is operated on.
_AT_SURGERY = (
    *("neoadjuvant", "pcr", "neoadjuvant_response", "clinical_response", "treatment_effect"),
    *("rcb_score", "rcb_class"),
)


def starts_on(name: str) -> str | None:
    """The column of the day on which what a column tells comes about; None where it is there.

    A treatment has the day of its start; the answer to treatment before surgery that of surgery.
    """
    if name in _AT_SURGERY:
        return "surgery_day"
    day = f"{name}_day"
    return day if day in SCHEMA else None
