"""What one written value means: look-up order, numbers, dates."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cohort.codes import Code, CodeTable
from cohort.decode import CodeBook, Meaning, Piece, meaning
from cohort.decode import day as day_of
from cohort.dictionary_rules import ColumnRule, DateFormat
from cohort.schema import SCHEMA


def day_number(text: str, form: DateFormat) -> object:
    return day_of([text], form, {}).value


def piece(column: str, codes: tuple[Code, ...] = (), **rule: object) -> Piece:
    book = CodeBook(CodeTable("t", codes, "")) if codes else None
    made = ColumnRule.model_validate({"from": "main.X", **rule})
    return Piece(SCHEMA[column], made, book, "main", ("main:0",))


def code(text: str, value: str) -> Code:
    return Code(text, "value", value, None, None, "", "yes", "")


def test_a_single_code_comes_before_a_range_that_holds_it() -> None:
    book = CodeBook(CodeTable("t", (code("10-20", "range"), code("15", "single")), ""))
    assert [found.value for key in ("10", "15", "20") if (found := book.find(key))] == [
        "range", "single", "range",
    ]  # fmt: skip
    assert book.find("21") is None
    assert book.find("015") is None


def test_the_longest_beginning_of_a_code_counts_and_comes_last() -> None:
    codes = (code("*", "other"), code("C50*", "breast"), code("C5*", "near"), code("C509", "own"))
    book = CodeBook(CodeTable("t", codes, ""))
    found = [book.find(key) for key in ("c509", "c504", "c51", "i219")]
    assert [one.value for one in found if one] == ["own", "breast", "near", "other"]


def test_any_character_in_a_beginning_is_less_exact_than_a_letter() -> None:
    codes = (code("*", "short"), code("???*", "other"), code("C*", "cancer"), code("77*", "x"))
    book = CodeBook(CodeTable("t", codes, ""))
    found = [book.find(key) for key in ("c", "c509", "i21", "i2", "", "7797")]
    assert [one.value for one in found if one] == [
        "cancer", "cancer", "other", "short", "short", "x",
    ]  # fmt: skip


def test_a_token_comes_before_a_code_and_a_code_before_a_number() -> None:
    rule = piece("age_years", (code("99", "30"),), number={})
    assert meaning(rule, ["99"], {}).value == 30
    assert meaning(rule, ["98"], {}).value == 98
    assert meaning(rule, ["99"], {"99": "unknown"}).outcome == "missing:unknown"


def test_a_number_is_both_its_bounds() -> None:
    found = meaning(piece("her2_ratio", number={}), [" 2.10 "], {})
    assert found == Meaning("value", "2.10", 2.1, 2.1, 2.1)


@given(st.integers(100, 999))
def test_scaling_by_a_hundredth_is_exact(number: int) -> None:
    rule = piece("her2_ratio", number={"scale": 0.01, "code_width": 3})
    written = f"{number // 100}.{number % 100:02d}"
    assert meaning(rule, [str(number)], {}).value == float(written)


@pytest.mark.parametrize(
    ("scale", "written", "value"), [(10, "1.5", 15.0), (0.1, "15", 1.5), (0.3, "10", 3.0)]
)
def test_other_scales(scale: float, written: str, value: float) -> None:
    assert meaning(piece("tumour_size_mm", number={"scale": scale}), [written], {}).value == value


@given(st.dates())
def test_day_numbers_follow_the_calendar_in_every_format(day: date) -> None:
    following = day + timedelta(days=1) if day < date.max else day
    for form, pattern in (("iso", "{0:%Y}-{0.month}-{0.day}"), ("us", "{0.month}/{0.day}/{0:%Y}")):
        texts = [pattern.format(d).replace(f"{d:%Y}", f"{d.year:04d}") for d in (day, following)]
        numbers = [day_number(text, form) for text in texts]  # type: ignore[arg-type]
        assert None not in numbers
        assert numbers[1] - numbers[0] == (following - day).days  # type: ignore[operator]


@pytest.mark.parametrize(
    "text", ["1900-02-29", "2015-04-31", "0000-01-01", "2015-00-10", "2015-1", "15-01-01", "x"]
)
def test_what_the_calendar_does_not_have_is_no_date(text: str) -> None:
    assert day_number(text, "iso") is None


def test_a_leap_day_is_a_date() -> None:
    assert day_number("2000-02-29", "iso") == date(2000, 2, 29).toordinal()
    assert day_number("20000229", "compact") == date(2000, 2, 29).toordinal()


@given(st.text(max_size=8))
def test_every_text_has_exactly_one_outcome(text: str) -> None:
    found = meaning(piece("age_years", (code("99", "30"),), number={}), [text], {"na": "none"})
    assert (found.value is not None) == (found.outcome == "value")
    assert found.value is None or 0 <= float(found.value) <= 120


@pytest.mark.parametrize(
    ("written", "value"),
    [("2,1", 2.1), ("12,50", 12.5), ("-,5", -0.5), ("3", 3.0), ("7,", 7.0)],
)
def test_a_comma_marks_the_fraction_where_the_dictionary_says_so(
    written: str, value: float
) -> None:
    found = meaning(piece("her2_ratio", number={"decimal": ",", "min": -1}), [written], {})
    assert found.outcome == ("value" if value >= 0 else "impossible")
    assert found.value == (value if value >= 0 else None)


@pytest.mark.parametrize("written", ["1.200", "2.1", "1.234,5", "1,234,5", "2,1e0", "2, 1", ","])
def test_beside_commas_a_point_is_never_taken_for_a_mark(written: str) -> None:
    found = meaning(piece("her2_ratio", number={"decimal": ","}), [written], {})
    assert (found.outcome, found.value) == ("unparsable", None)


def test_a_number_written_as_a_code_has_no_decimal_mark() -> None:
    with pytest.raises(ValueError, match="written as a code has no decimal mark"):
        piece("her2_ratio", number={"decimal": ",", "code_width": 3})
