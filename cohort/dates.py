"""Calendar dates as text turned into day numbers by integer arithmetic, the same on any engine."""

from __future__ import annotations

from typing import Literal

import narwhals as nw

DateFormat = Literal["iso", "us", "compact"]

_SHAPES = {
    "iso": "^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}$",
    "us": "^[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}$",
    "compact": "^[0-9]{8}$",
}


def day_number(text: nw.Expr, form: DateFormat) -> nw.Expr:
    """Days since 1970-01-01 of a date written as ISO, US or YYYYMMDD; null where it is no date.

    Shape, month and day of the month (leap years too) are checked first, as casts raise.

    Notes
    -----
    Method: the proleptic Gregorian count of 400-year eras. Checked against Python's calendar
    over four centuries (tests/cohort/test_dates.py).
    """
    year, month, day = _parts(text, form)
    leap = ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)
    february = nw.when(leap).then(nw.lit(29)).otherwise(nw.lit(28))
    short = nw.when(month.is_in([4, 6, 9, 11])).then(nw.lit(30)).otherwise(nw.lit(31))
    last = nw.when(month == 2).then(february).otherwise(short)
    exists = (month >= 1) & (month <= 12) & (day >= 1) & (day <= last) & (year >= 1)
    return nw.when(exists.fill_null(False)).then(_count(year, month, day)).otherwise(nw.lit(None))


def iso_text(text: nw.Expr, form: DateFormat) -> nw.Expr:
    """The date as ``YYYY-MM-DD``; null where it is no date."""
    known = ~day_number(text, form).is_null()
    parts = _pieces(text, form)
    padded = [parts[0].str.zfill(4), parts[1].str.zfill(2), parts[2].str.zfill(2)]
    return nw.when(known).then(nw.concat_str(padded, separator="-")).otherwise(nw.lit(None))


def _pieces(text: nw.Expr, form: DateFormat) -> tuple[nw.Expr, nw.Expr, nw.Expr]:
    """Year, month and day as text; null where the shape is wrong."""
    shaped = nw.when(text.str.contains(_SHAPES[form]).fill_null(False)).then(text)
    whole = shaped.otherwise(nw.lit(None))
    if form == "compact":
        return whole.str.slice(0, 4), whole.str.slice(4, 2), whole.str.slice(6, 2)
    parts = whole.str.split("-" if form == "iso" else "/")
    order = (0, 1, 2) if form == "iso" else (2, 0, 1)
    year, month, day = (parts.list.get(i) for i in order)
    return year, month, day


def _parts(text: nw.Expr, form: DateFormat) -> tuple[nw.Expr, nw.Expr, nw.Expr]:
    year, month, day = (part.cast(nw.Int64) for part in _pieces(text, form))
    return year, month, day


def _count(year: nw.Expr, month: nw.Expr, day: nw.Expr) -> nw.Expr:
    """Days since 1970-01-01; the year is counted from March, so that leap days come last."""
    early = (month <= 2).cast(nw.Int64)
    counted = year - early
    era = counted // 400
    of_era = counted - era * 400
    of_year = (153 * (month + 12 * early - 3) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
