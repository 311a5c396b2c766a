"""The rule tables: read as they are written, refused where they contradict, known to be whole."""

from __future__ import annotations

import pytest

from cohort import her2_rules
from cohort.her2_cuts import class_of, classes, members
from cohort.her2_policies import resolved

TABLES = (
    "category", "overrides", "ish_2007", "ish_2013", "ish_2018", "staining", "editions",
    "policies", "named_policies",
)  # fmt: skip


def test_every_row_says_whether_it_was_verified_and_where():
    for name in TABLES:
        for row in her2_rules.read(name):
            assert row["verified"] in ("yes", "derived", "partly"), (name, row)
            assert row["meaning"], (name, row)
            assert row.get("source", "given elsewhere"), (name, row)
    partly = {r["edition"] for r in her2_rules.read("editions") if r["verified"] == "partly"}
    assert partly == {"2013"}
    for row in her2_rules.read("ish_2013"):
        assert row["verified"] == ("yes" if row["probe"] == "ratio_alone" else "partly")


def test_ids_are_given_once():
    ids = [
        row["id"]
        for name in ("category", "overrides", "ish_2007", "ish_2013", "ish_2018", "ish_evidence")
        for row in her2_rules.read(name)
    ]
    assert len(set(ids)) == len(ids)


def test_partial_numbers_decide_what_the_groups_left_open_have_in_common():
    """The rows of partial numbers follow from the rows of whole ones, in every edition."""
    for edition in (2013, 2018):
        rows = her2_rules.dual_table(edition, resolved(None)).to_pylist()
        result = {(r["k_ratio"], r["k_copies"], r["k_ihc"]): r["dual_result"] for r in rows}
        ratios = sorted({r["k_ratio"] for r in rows} - {"missing"})
        copies = sorted({r["k_copies"] for r in rows} - {"missing"})
        for (ratio, signals, score), said in result.items():
            if "missing" not in (ratio, signals):
                continue
            open_to = {
                result[r, c, score]
                for r in (ratios if ratio == "missing" else [ratio])
                for c in (copies if signals == "missing" else [signals])
            }
            # With 3+ the tables say positive, since the score decides whatever the group.
            if score == "3+" and said == "positive":
                continue
            expected = open_to.pop() if len(open_to) == 1 else "unresolved"
            assert said == expected, (edition, ratio, signals, score)


def test_cells_name_ranges_lists_and_everything():
    three = classes(["<4.0", ">=4.0 <6.0", ">=6.0"])
    assert [one.name for one in three] == ["<4", ">=4 <6", ">=6"]
    assert members(">=4.0", three) == (">=4 <6", ">=6")
    assert members("any", three) == ("<4", ">=4 <6", ">=6", "missing")
    assert members("known", three) == ("<4", ">=4 <6", ">=6")
    assert members("missing", three) == ("missing",)
    assert her2_rules.values("0|1+", "ihc", {}) == ("0", "1+")
    assert her2_rules.values("any", "label", {}) == her2_rules.KEYS["label"]


def test_a_cell_that_says_nothing_known_is_refused():
    with pytest.raises(ValueError, match="'about 2' is no range of numbers"):
        classes(["about 2"])
    with pytest.raises(ValueError, match=r"'4\+' is not a value of ihc"):
        her2_rules.values("0|4+", "ihc", {})


def test_two_rows_for_one_place_and_a_place_without_a_row_are_refused(monkeypatch):
    whole = her2_rules.read("category")
    monkeypatch.setattr(her2_rules, "read", lambda name: _read(name, (*whole, whole[-1])))
    with pytest.raises(ValueError, match="rules C41 and C41"):
        her2_rules.category_table(resolved(None))
    monkeypatch.setattr(her2_rules, "read", lambda name: _read(name, whole[:-1]))
    with pytest.raises(ValueError, match=r"category\.csv decides 520 of 600 combinations"):
        her2_rules.category_table(resolved(None))


_READ = her2_rules.read


def _read(name, category):
    return category if name == "category" else _READ(name)


def test_a_number_at_a_cut_belongs_where_the_guideline_says(make_cohort):
    import narwhals as nw

    every = classes(["<1.8", ">=1.8 <=2.2", ">2.2"])
    numbers = [1.79, 1.8, 1.8 - 1e-12, 2.2, 2.2 + 1e-12, 2.21, None]
    cohort = make_cohort({"her2_ratio": numbers})
    value = nw.col("her2_ratio")
    seen = cohort.patients.select("patient_id", c=class_of(value, value, value, every))
    table = cohort.engine.collect(seen.sort("patient_id"))
    middle = ">=1.8 <=2.2"
    assert table["c"].to_pylist() == ["<1.8", middle, middle, middle, middle, ">2.2", "missing"]


def test_the_staining_of_each_score_is_that_of_the_guideline():
    def score(edition, intensity, completeness, percent):
        for row in her2_rules.stain_table(edition).to_pylist():
            if (row["k_intensity"], row["k_completeness"]) == (intensity, completeness) and row[
                "k_percent"
            ] == percent:
                return row["stain_ihc"]
        return None

    assert score(2007, "weak", "incomplete", ">0 <10") == "1+"
    assert score(2007, "intense", "complete", ">30") == "3+"
    assert score(2007, "intense", "complete", ">=10 <=30") == "2+"
    assert score(2018, "faint", "incomplete", ">0 <=10") == "0"
    assert score(2018, "faint", "incomplete", ">10") == "1+"
    assert score(2013, "weak", "incomplete", ">10") == "2+"
    assert score(2018, "weak", "incomplete", ">10") is None
    assert her2_rules.stain_table(2023) == her2_rules.stain_table(2018)
