"""Which of a patient's specimens comes first: the order of NAACCR item 3855, and alternatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw

from cohort.schema import CARRIED, HER2_EVIDENCE
from cohort.table import Engine

LazyTable = nw.LazyFrame[Any]
Key = tuple[nw.Expr, int]  # places from 0, and how many there are

_DAYS = 100_000  # no specimen is further from diagnosis than this
_TENTHS = 9_990  # tenths of a millimetre of the largest tumour there is
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


def chosen(
    frame: LazyTable, engine: Engine, choice: str, features: Sequence[str] = ()
) -> LazyTable:
    """The index specimen of each patient, one row a patient.

    Parameters
    ----------
    frame
        Usable specimens, with ``tumour_key`` and ``tumour_mm`` of `with_tumours`.
    choice
        A choice of edge case E10.
    features
        What else each specimen tells of its tumour (its receptors, its grade).
    """
    ranked = frame.with_columns(rank=_joined(_ORDERS[choice]))
    names = [*CARRIED, *HER2_EVIDENCE, *features, "her2_status", "other_primary"]
    patient = ["patient_id"]
    best = ranked.group_by(patient).agg(best=nw.col("rank").min())
    first = nw.col("rank") == nw.col("best")
    narrow = ranked.select("patient_id", "rank").join(best, on=patient, how="inner")
    numbers = (
        narrow.filter(first).group_by(patient).agg(best=nw.col("best").max(), n_first=nw.len())
    )
    found = engine.materialise(numbers)
    several = nw.col("n_first") > 1
    alone = ranked.join(found.filter(~several), on=patient, how="inner").filter(first)
    # Few share their rank. They are told apart by all they say, and those that share this too
    # are alike in all that is carried on.
    tied = ranked.join(found.filter(several), on=patient, how="inner").filter(first)
    tied = engine.materialise(tied.with_columns(text=_text(features)))
    smallest = tied.group_by(patient).agg(smallest=nw.col("text").min())
    taken = tied.join(smallest, on=patient, how="inner").filter(
        nw.col("text") == nw.col("smallest")
    )
    one = taken.group_by(patient).agg(*(nw.col(name).max() for name in names))
    columns = ["patient_id", *names]
    return nw.concat([alone.select(columns), one.select(columns)], how="vertical")


def with_tumours(frame: LazyTable) -> LazyTable:
    """Specimens with the largest size given for their tumour, -1 where none is.

    A specimen without a tumour's id belongs with the patient's others that have none; the size
    of an in-situ part is not that of the invasive tumour.
    """
    size = nw.when(nw.col("in_situ")).then(nw.lit(None)).otherwise(nw.col("tumour_size_mm"))
    keyed = frame.with_columns(
        tumour_key=nw.col("tumour_id").fill_null(""), size_mm=size.fill_null(-1.0)
    )
    on = ["patient_id", "tumour_key"]
    tumours = keyed.group_by(on).agg(tumour_mm=nw.col("size_mm").max())
    return keyed.drop("size_mm").join(tumours, on=on, how="inner")


def without_sizes(frame: LazyTable) -> LazyTable:
    """Specimens of a source that tells no size of a tumour: none is known."""
    return frame.with_columns(tumour_key=nw.col("tumour_id").fill_null(""), tumour_mm=nw.lit(-1.0))


def _joined(keys: Sequence[Key]) -> nw.Expr:
    """One whole number that orders as the keys do, the first before the others."""
    rank = nw.lit(0).cast(nw.Int64)
    for expression, n in keys:
        rank = rank * n + expression.cast(nw.Int64)
    return rank


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


def _day(*, latest: bool = False) -> Key:
    """The day, or the days left from it to the end; without one after every other."""
    day = nw.col("specimen_day").floor().clip(-_DAYS, _DAYS - 1)
    place = _DAYS - 1 - day if latest else day + _DAYS
    return place.fill_null(2 * _DAYS), 2 * _DAYS + 1


def _text(features: Sequence[str]) -> nw.Expr:
    """All that is carried on as one text, the key first: no choice depends on the order of rows."""
    names = (*CARRIED, "tumour_key", *HER2_EVIDENCE, *features)
    parts = [nw.col(name).cast(nw.String).fill_null("") for name in names]
    return nw.concat_str(parts, separator="|")


def _status(order: Sequence[tuple[str, str]] = _HIGHEST) -> Key:
    return status_place(order), len(order) + 1


def _smaller_tumour() -> Key:
    """0 for the largest tumour possible, in tenths of a millimetre."""
    tenths = (nw.col("tumour_mm") * 10).floor().clip(-10, _TENTHS)
    return _TENTHS - tenths, _TENTHS + 11


_ITEM_3855: tuple[Key, ...] = (
    (nw.col("other_primary").cast(nw.Int64), 2),
    (site_place(), 4),
    (_placed("specimen_timing", _TIMINGS, unknown=0), 3),
    _smaller_tumour(),
    _status(),
    (_placed("her2_ihc", _SCORES, unknown=4), 5),
    _day(),
)
_ORDERS: dict[str, tuple[Key, ...]] = {
    "item_3855": _ITEM_3855,
    "closest": (_day(latest=True), _status()),
    "first": (_day(), _status()),
    "last": (_day(latest=True), _status()),
    "ever_low": (_status(_EVER), _day()),
}
