"""Numbers to words: the only place where anything is rounded, and where "<0.001" is written.

A value that is not defined (None or NaN) becomes a dash or the words given for it, never a
number. A positive number that would round to nothing is written as less than the smallest that
can be shown, and a share short of the whole never as 100 %.
"""

from __future__ import annotations

import math

from analyses.number_style import DEFAULT
from analyses.number_style import NumberStyle as NumberStyle
from cohort.schema import SCHEMA

NOT_REACHED = "not reached"
NOT_ESTIMABLE = "not estimable"
REFERENCE = "1 (reference)"
TIMES = " × "  # joins the parts of an interaction
_PLAIN_BELOW = 1e5  # from here on a ratio is written as a power of ten
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def _missing(value: float | None) -> bool:
    return value is None or math.isnan(value)


def number(value: float | None, decimals: int, style: NumberStyle = DEFAULT) -> str:
    """The number with so many decimals, thousands apart; no minus before a zero.

    A true minus sign stands before negative numbers; what is not defined is a dash, and what is
    infinite the sign for it.
    """
    if value is None or math.isnan(value):
        return style.dash
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    digits = f"{abs(value):.{decimals}f}"
    sign = "−" if value < 0 and float(digits) != 0 else ""
    whole, _, fraction = digits.partition(".")
    if len(whole) >= style.thousands_digits:
        whole = f"{int(whole):,}".replace(",", style.thousands)
    return sign + (whole + style.decimal_point + fraction if fraction else whole)


def count(value: float | None, style: NumberStyle = DEFAULT) -> str:
    """Patients or events with thousands apart; sums of weights keep one decimal."""
    if value is None or math.isnan(value):
        return style.dash
    return number(value, 0 if float(value).is_integer() else 1, style)


def counted(n: float, noun: str, style: NumberStyle = DEFAULT) -> str:
    """A count with its noun: "1 event", "1,204 patients"."""
    return f"{count(n, style)} {noun}{'' if n == 1 else 's'}"


def p_value(p: float | None, style: NumberStyle = DEFAULT) -> str:
    """A p-value as medical journals print it, with its comparison sign only where it needs one.

    Two decimals from 0.01 on, below as many as the style's smallest has, which is written "<0.001"
    where p is less; ">0.99" at the other end. A value just below 0.05 gets as many decimals as it
    takes not to be read as 0.05 (or more).

    Raises
    ------
    ValueError
        For a number outside 0 to 1.
    """
    if p is None or math.isnan(p):
        return style.dash
    if not 0 <= p <= 1:
        raise ValueError(f"a p-value lies between 0 and 1, not {p!r}")
    if p < 10.0**-style.p_decimals:
        text = f"<{10.0**-style.p_decimals:.{style.p_decimals}f}"
    elif p > 0.99:
        text = ">0.99"
    else:
        decimals = 2 if p >= 0.01 else 3 if p >= 0.001 else style.p_decimals
        while p < 0.05 <= float(f"{p:.{decimals}f}") and decimals < 15:
            decimals += 1
        text = f"{p:.{decimals}f}"
    if not style.leading_zero:
        text = text.replace("0.", ".", 1)
    return text.replace(".", style.decimal_point)


def p_equals(p: float | None, style: NumberStyle = DEFAULT) -> str:
    """A p-value with its letter: "p = 0.55", "p < 0.001", "P = .55"; a dash if not defined."""
    text = p_value(p, style)
    if _missing(p):
        return text
    sign, rest = (text[0], text[1:]) if text[0] in "<>" else ("=", text)
    return f"{style.p_symbol} {sign} {rest}"


def ratio(value: float | None, style: NumberStyle = DEFAULT, undefined: str | None = None) -> str:
    """A ratio: two decimals below 10, one below 100, none above, powers of ten from 100,000.

    A positive ratio that would be written 0.00 is written as less than the smallest.
    """
    if value is None or math.isnan(value):
        return style.dash if undefined is None else undefined
    if math.isinf(value):
        return number(value, 0, style)
    smallest = 10.0**-style.ratio_decimals
    if 0 < value < smallest / 2:
        return "<" + number(smallest, style.ratio_decimals, style)
    if value >= _PLAIN_BELOW:
        digits, _, power = f"{value:.1e}".partition("e")
        head = digits.replace(".", style.decimal_point)
        return f"{head} × 10{str(int(power)).translate(_SUPERSCRIPTS)}"
    for decimals in range(style.ratio_decimals, 0, -1):
        if float(f"{value:.{decimals}f}") < 10 ** (style.ratio_decimals - decimals + 1):
            return number(value, decimals, style)
    return number(value, 0, style)


def hazard_ratio(
    estimate: float | None,
    low: float | None = None,
    high: float | None = None,
    style: NumberStyle = DEFAULT,
) -> str:
    """A hazard ratio with its limits, "0.77 (0.32 to 1.85)".

    "not estimable" stands for an estimate that does not exist; without both limits the ratio
    stands alone.
    """
    if _missing(estimate):
        return NOT_ESTIMABLE
    if _missing(low) and _missing(high):
        return ratio(estimate, style)
    limits = (ratio(limit, style, NOT_ESTIMABLE) for limit in (low, high))
    return f"{ratio(estimate, style)} ({' to '.join(limits)})"


def estimate_with_limits(
    estimate: float | None,
    low: float | None,
    high: float | None,
    decimals: int = 2,
    undefined: str | None = None,
    style: NumberStyle = DEFAULT,
) -> str:
    """An estimate with its limits, "3.1 (−0.2 to 6.4)"; `undefined` (a dash) where one is not.

    Where neither estimate nor limits are defined the word stands once.
    """
    words = style.dash if undefined is None else undefined
    parts = [words if _missing(x) else number(x, decimals, style) for x in (estimate, low, high)]
    if all(_missing(x) for x in (estimate, low, high)):
        return words
    return f"{parts[0]} ({parts[1]} to {parts[2]})"


def percent(share: float | None, style: NumberStyle = DEFAULT, decimals: int | None = None) -> str:
    """A share of 1 in per cent, "14.9%"; "<0.1%" and ">99.9%" where rounding would say 0 or all."""
    if share is None or math.isnan(share):
        return style.dash
    places = style.percent_decimals if decimals is None else decimals
    step = 10.0**-places
    rounded = float(f"{share * 100:.{places}f}")
    if share > 0 and rounded == 0:
        return f"<{number(step, places, style)}%"
    if share < 1 and rounded == 100:
        return f">{number(100 - step, places, style)}%"
    return f"{number(share * 100, places, style)}%"


def n_percent(n: float | None, total: float | None, style: NumberStyle = DEFAULT) -> str:
    """A count with its share of a total, "61 (14.9%)"; no share of nothing."""
    if _missing(n):
        return style.dash
    share = n / total if n is not None and total else None
    return f"{count(n, style)} ({percent(share, style)})"


def percent_with_limits(
    share: float | None,
    low: float | None,
    high: float | None,
    style: NumberStyle = DEFAULT,
) -> str:
    """A share with its limits, "86.2% (81.0% to 90.1%)"; the share alone where limits are not."""
    if _missing(share) or (_missing(low) and _missing(high)):
        return percent(share, style)
    return f"{percent(share, style)} ({percent(low, style)} to {percent(high, style)})"


def time(value: float | None, unit: str | None = None, style: NumberStyle = DEFAULT) -> str:
    """A time with its unit: whole days without decimals, all else with one; "1 year", "2 years"."""
    if value is None or math.isnan(value):
        return NOT_REACHED
    whole = unit in (None, "days") and float(value).is_integer()
    text = number(value, 0 if whole else style.time_decimals, style)
    if unit is None:
        return text
    return f"{text} {unit[:-1] if value == 1 and unit.endswith('s') else unit}"


def tick(value: float, style: NumberStyle = DEFAULT) -> str:
    """A tick's number without idle zeros: three decimals at most, or three digits if below 1."""
    size = math.floor(math.log10(abs(value))) if value else 0
    text = f"{value:.{3 - min(size, 0)}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text.replace("-", "−").replace(".", style.decimal_point)


def deviation(value: float | None) -> str:
    """How far two numbers are apart, "0" or "2e−14"; infinitely where one of them is none."""
    return "infinite" if value is None else f"{value:.0e}".replace("-", "−") if value else "0"


def median_time(
    estimate: float | None,
    low: float | None,
    high: float | None,
    unit: str | None = None,
    style: NumberStyle = DEFAULT,
) -> str:
    """A median time with limits, "34.2 (30.1 to not reached) months"; decimals as in `time`."""
    if _missing(estimate) and _missing(low) and _missing(high):
        return NOT_REACHED
    known = [x for x in (estimate, low, high) if x is not None and not math.isnan(x)]
    whole = unit in (None, "days") and all(float(x).is_integer() for x in known)
    decimals = 0 if whole else style.time_decimals
    text = estimate_with_limits(estimate, low, high, decimals, NOT_REACHED, style)
    if _missing(low) and _missing(high):  # a lower limit comes down before its curve, if it exists
        text = f"{number(estimate, decimals, style)} (limits not defined)"
    return text if unit is None else f"{text} {unit}"


def mean_sd(mean: float | None, sd: float | None, style: NumberStyle = DEFAULT) -> str:
    """A mean with its standard deviation, "58.3 (13.1)"; a dash where one is not defined."""
    if _missing(mean):
        return style.dash
    return f"{number(mean, style.mean_decimals, style)} ({number(sd, style.mean_decimals, style)})"


def median_iqr(
    median: float | None,
    lower: float | None,
    upper: float | None,
    style: NumberStyle = DEFAULT,
) -> str:
    """A median with its quartiles, "58 (48 to 67)"; decimals only where a value has them."""
    if _missing(median):
        return style.dash
    known = [x for x in (median, lower, upper) if x is not None and not math.isnan(x)]
    decimals = 0 if all(float(x).is_integer() for x in known) else style.mean_decimals
    return estimate_with_limits(median, lower, upper, decimals, None, style)


def capitalised(text: str) -> str:
    """The text with its first letter large and the rest as it is."""
    return text[:1].upper() + text[1:]


_COLUMNS = {
    "age_years": "Age, years",
    "sex": "Sex",
    "race": "Race",
    "diagnosis_year": "Year of diagnosis",
    "tumour_sequence": "Sequence of the tumour",
    "histology": "Histological type",
    "grade": "Grade",
    "stage": "Stage",
    "t_category": "T category",
    "n_category": "N category",
    "m_category": "M category",
    "tumour_size_mm": "Tumour size, mm",
    "nodes_positive": "Positive nodes",
    "comorbidity_index": "Charlson-Deyo score",
    "er_percent": "Oestrogen receptor, % of cells",
    "er_group": "Oestrogen receptor, low apart",
    "pr_percent": "Progesterone receptor, % of cells",
    "hr_status": "Hormone receptors",
    "ki67_percent": "Ki-67, % of cells",
    "her2_ihc": "HER2 IHC score",
    "her2_ish": "HER2 ISH result",
    "her2_ratio": "HER2/CEP17 ratio",
    "her2_copies": "HER2 copies per cell",
    "her2_stain_percent": "HER2, % of cells stained",
    "her2_status": "HER2 status",
    "her2_detail": "HER2 evidence",
    "her2_era": "Years of diagnosis by the HER2 guideline of their time",
    "surgery": "Surgery",
    "radiotherapy": "Radiotherapy",
    "chemotherapy": "Chemotherapy",
    "endocrine_therapy": "Endocrine therapy",
}
_LEVELS = {
    "her2_status": {
        "zero": "HER2-zero",
        "low": "HER2-low",
        "positive": "HER2-positive",
        "negative_unspecified": "HER2-negative, score unknown",
        "unresolved": "HER2 unresolved",
        "unknown": "HER2 unknown",
    },
    "her2_detail": {
        "ihc_0_null": "IHC 0, null",
        "ihc_0_ultralow": "IHC 0, ultralow",
        "ihc_0": "IHC 0",
        "ihc_1": "IHC 1+",
        "ihc_2_ish_negative": "IHC 2+, ISH-negative",
        "ihc_2_ish_unknown": "IHC 2+, ISH unknown",
        "ihc_3": "IHC 3+",
        "ish_positive": "ISH-positive",
        "reported_positive": "Reported positive",
    },
    "her2_era": {"<=2013": "2013 and before", ">=2019": "2019 and after"},
    "race": {
        "asian_pacific_islander": "Asian or Pacific Islander",
        "american_indian": "American Indian",
    },
    "tumour_sequence": {"only": "Only tumour", "first_of_several": "First of several"},
}
_BEFORE = {"grade": "Grade ", "stage": "Stage ", "her2_ihc": "IHC "}
_HYPHENED = {"er_status": "ER-", "pr_status": "PR-", "hr_status": "HR-", "her2_ish": "ISH-"}
# Columns whose levels name what they are levels of, so that a key needs no heading.
SELF_NAMED = frozenset({"her2_status", "her2_detail", *_BEFORE, *_HYPHENED})


def label(column: str, level: str | None = None) -> str:
    """Words for a column, or for one of its levels, from their canonical names.

    ``label("age_years")`` is "Age, years", ``label("her2_status", "low")`` is "HER2-low". The
    levels of a column that the schema does not know are left as they are written.
    """
    known = SCHEMA.get(column)
    if level is None:
        if column in _COLUMNS:
            return _COLUMNS[column]
        if known is None:
            return capitalised(column.replace("_", " ").strip()) or column
        return f"{known.meaning}, {known.unit}" if known.unit else known.meaning
    if level in _LEVELS.get(column, {}):
        return _LEVELS[column][level]
    if known is None or level not in known.levels:
        return level
    if column in _BEFORE:
        return _BEFORE[column] + level
    if column in _HYPHENED:
        return _HYPHENED[column] + level
    return capitalised(level.replace("_", " "))


def per_step(column: str, per: float | None, style: NumberStyle = DEFAULT) -> str:
    """A number's label in a model with its step: "Age, per 10 years"; the unit as it is for 1."""
    words = label(column)
    if per is None or per == 1:
        return words
    name, comma, unit = words.rpartition(", ")
    step = tick(per, style)
    return f"{name}, per {step} {unit}" if comma else f"{words}, per {step}"


def confidence(level: float, style: NumberStyle = DEFAULT) -> str:
    """The level of an interval as it heads a column, "95% CI"."""
    return f"{tick(100 * level, style)}% CI"
