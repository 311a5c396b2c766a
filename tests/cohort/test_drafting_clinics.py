"""Drafts of tables as clinics write them: decimal commas, fused words, several rows a patient."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cohort.dictionary import SourceDictionary
from cohort.drafting import Draft, draft, write
from cohort.harmonisation import harmonise
from cohort.loading import load
from cohort.table import Cohort


def drafted(folder: Path, text: str) -> Draft:
    (folder / "own.csv").write_text(text)
    return draft(folder / "own.csv", name="own")


def reread(made: Draft, folder: Path) -> Cohort:
    """The file as the written draft reads it."""
    write(made, folder / "own.yaml")
    return harmonise(load(folder / "own.csv", source=SourceDictionary.load(folder / "own.yaml")))


def values(cohort: Cohort, name: str) -> list[Any]:
    return [None if v != v else v for v in cohort.to_pandas([name])[name].astype(object)]


def standing(made: Draft) -> dict[str, tuple[str, ...]]:
    """The columns of the draft that are read, with their headings."""
    return {one.column: one.headings for one in made.decided}


# --- decimal commas ----------------------------------------------------------------------


def test_decimal_commas_are_seen_and_read(tmp_path: Path) -> None:
    made = drafted(
        tmp_path,
        "id;Size cm;FISH Ratio;Age;OS (months)\n"
        "a;2,1;1,2;50;24,5\nb;1,5;2,3;51;24\nc;3;;52;7,25\nd;4,2;;53;12\n",
    )
    cohort = reread(made, tmp_path)
    assert values(cohort, "tumour_size_mm") == [21, 15, 30, 42]
    assert values(cohort, "her2_ratio") == [1.2, 2.3, None, None]
    assert values(cohort, "followup_months") == [24.5, 24, 7.25, 12]
    assert 'number: {scale: 10, decimal: ","}' in made.text
    assert made.text.count("decimal:") == 3


def test_a_comma_that_may_mark_thousands_is_left_to_the_user(tmp_path: Path) -> None:
    made = drafted(tmp_path, "id;followup days\na;1,234\nb;2,500\nc;812\n")
    assert "followup_days" not in standing(made)
    assert "DECIDE: does the comma mark the fraction?" in made.text


def test_numbers_with_the_other_mark_are_missing_with_the_way_out(tmp_path: Path) -> None:
    text = (
        "Patient ID;Date of diagnosis;HER2 IHC;Vital status;HER2 ratio;Tumour size (mm)\n"
        "1;2019-01-05;2+;Alive;2,1;12.5\n2;2019-01-05;2+;Alive;1.9;1,200\n"
    )
    (tmp_path / "own.csv").write_text(text)
    cohort = harmonise(load(tmp_path / "own.csv", source="spreadsheet"))
    told = {f.value: f.advice for f in cohort.findings if f.rule == "unparsable_number"}
    assert set(told) == {"2,1", "1,200"}
    assert all('write number: {decimal: ","}' in advice for advice in told.values())
    (tmp_path / "own.yaml").write_text(
        "extends: spreadsheet\nname: own\ndescribes: Commas\ncolumns:\n"
        '  tumour_size_mm: {from: main.Tumour size (mm), number: {decimal: ","}}\n'
    )
    cohort = harmonise(load(tmp_path / "own.csv", source=tmp_path / "own.yaml"))
    assert values(cohort, "tumour_size_mm") == [None, 1.2]
    told = {(f.column, f.value): f.advice for f in cohort.findings if "parsable" in f.rule}
    assert "a mark of thousands is never guessed" in told["tumour_size_mm", "12.5"]
