"""Which of a patient's specimens comes first: the order of NAACCR item 3855, and alternatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw

from cohort.schema import HER2_EVIDENCE

LazyTable = nw.LazyFrame[Any]

_LATE = 1_000_000.0  # a day after every other: that of a specimen without one
# The highest category first. An unresolved 2+ is low or positive: it yields to a positive result
# and to a negative in-situ result at 2+ in the same tumour, which resolves it, but not to a lower
# score elsewhere. A negative without a score may be low, and so stands before zero.
_HIGHEST = (
    ("positive", ""),
    ("low", "ihc_2_ish_negative"),
    ("unresolved", ""),
    ("low", ""),
    ("negative_unspecified", ""),
    ("zero", ""),
    ("unknown", ""),
)
# Whoever was low once has been low, whatever another specimen leaves open.
_EVER = (
    ("positive", ""),
    ("low", "ihc_2_ish_negative"),
    ("low", ""),
    ("unresolved", ""),
    ("negative_unspecified", ""),
    ("zero", ""),
    ("unknown", ""),
)
_SITES = {"primary": 0, "regional": 1, "distant": 2}
_RECURRENCE = 3  # no longer tissue of the primary, wherever it grew
_TIMINGS = {"before_treatment": 0, "after_neoadjuvant": 1, "recurrence": 2}
_SCORES = {"3+": 0, "2+": 1, "1+": 2, "0": 3}


def with_place(frame: LazyTable, choice: str) -> LazyTable:
    """The usable specimens with ``place``: 1 for the index specimen of its patient.

    Parameters
    ----------
    frame
        Specimens with the columns that `marked` makes.
    choice
        A choice of edge case E10.
    """
    keys = {f"o_{i}": key for i, key in enumerate((*_ORDERS[choice], *_LAST))}
    ordered = frame.with_columns(**keys, one=nw.lit(1))
    place = nw.col("one").cum_sum().over("patient_id", order_by=list(keys))
    return ordered.with_columns(place=place.cast(nw.Int64)).drop("one", *keys)


def marked(frame: LazyTable) -> LazyTable:
    """Specimens with every column that the orders read, and the size of their tumours.

    ``tumour_mm`` is the largest size given for the tumour, ``largest_mm`` the largest of the
    patient's tumours; both -1 where none is known. A specimen without a tumour's id belongs
    with the others that have none.
    """
    size = nw.col("tumour_size_mm").fill_null(-1.0)
    known = frame.with_columns(tumour_key=nw.col("tumour_id").fill_null(""), size_mm=size)
    of_tumour = nw.col("size_mm").max().over("patient_id", "tumour_key")
    of_patient = nw.col("size_mm").max().over("patient_id")
    return known.with_columns(tumour_mm=of_tumour, largest_mm=of_patient).drop("size_mm")


def status_place(order: Sequence[tuple[str, str]] = _HIGHEST) -> nw.Expr:
    """Place of a specimen's category, 0 for the highest."""
    place = nw.lit(len(order))
    for i, (status, detail) in reversed(list(enumerate(order))):
        fits = nw.col("her2_status") == status
        if detail:
            fits = fits & (nw.col("her2_detail") == detail).fill_null(False)
        place = nw.when(fits).then(nw.lit(i)).otherwise(place)
    return place


def site_place() -> nw.Expr:
    """0 for the primary and for a site not stated, 1 regional, 2 distant, 3 at recurrence."""
    later = (nw.col("specimen_timing") == "recurrence").fill_null(False)
    place = _placed("specimen_site", _SITES, unknown=0)
    return nw.when(later).then(nw.lit(_RECURRENCE)).otherwise(place)


def _placed(column: str, places: dict[str, int], *, unknown: int) -> nw.Expr:
    place = nw.lit(unknown)
    for value, i in places.items():
        is_it = (nw.col(column) == value).fill_null(False)
        place = nw.when(is_it).then(nw.lit(i)).otherwise(place)
    return place


def _day(sign: int = 1) -> nw.Expr:
    """The day, or its negative; without one after every other."""
    return (nw.col("specimen_day") * sign).fill_null(_LATE)


def fingerprint() -> nw.Expr:
    """All that is carried on as one text, so that no choice depends on the order of rows."""
    names = ("specimen_site", "specimen_timing", "specimen_invasive", "tumour_key", *HER2_EVIDENCE)
    parts = [nw.col(name).cast(nw.String).fill_null("") for name in names]
    return nw.concat_str(parts, separator="|")


_ITEM_3855 = (
    nw.col("other_primary").cast(nw.Int64),
    site_place(),
    _placed("specimen_timing", _TIMINGS, unknown=0),
    -nw.col("tumour_mm"),
    status_place(),
    _placed("her2_ihc", _SCORES, unknown=4),
    _day(),
)
_ORDERS: dict[str, tuple[nw.Expr, ...]] = {
    "item_3855": _ITEM_3855,
    "closest": (_day(-1), status_place()),
    "first": (_day(), status_place()),
    "last": (_day(-1), status_place()),
    "ever_low": (status_place(_EVER), _day()),
}
_LAST = (nw.col("specimen_id").fill_null(""), fingerprint())
