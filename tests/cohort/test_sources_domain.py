"""The code lists as facts were gathered against the package's tables: nothing lost or changed."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import pytest

from cohort.codes import FOLDER, Code, read_codes
from cohort.decode import CodeBook, Piece, meaning
from cohort.dictionary import SourceDictionary
from cohort.dictionary_rules import ColumnRule, split
from cohort.schema import column

pytestmark = pytest.mark.real

Row = dict[str, str]
# Marks that a table may carry for a fact of this mark: never a stronger one.
WEAKER = {
    "yes": ("yes", "derived", "partly", "memory"),
    "partly": ("partly", "derived", "memory"),
    "memory": ("memory",),
}


def rows(folder: Path, name: str) -> list[Row]:
    with (folder / name).open(newline="") as file:
        return list(csv.DictReader(file))


@cache
def dictionary_of(source: str) -> SourceDictionary:
    return SourceDictionary.load(source)


@cache
def pieces(source: str, *headings: str) -> tuple[Piece, ...]:
    """Each rule of patients that reads one of these columns, ready to decode."""
    return tuple(_pieces(source, headings))


def _pieces(source: str, headings: tuple[str, ...]) -> Iterator[Piece]:
    dictionary = dictionary_of(source)
    wanted = {f"main.{heading}" for heading in headings}
    for place, rule in dictionary.rules():
        name = str(place[1])
        known = column(name)
        if place[0] != "columns" or known is None or not wanted & set(rule.references):
            continue
        if rule.days_from is None:
            yield Piece(known, rule, _book(dictionary, rule), "main", ("main:0",))


def _book(dictionary: SourceDictionary, rule: ColumnRule) -> CodeBook | None:
    return None if rule.codes is None else CodeBook(dictionary.codes(rule.codes))


def held(found: Sequence[Piece], code: str, fact: str, marked: str) -> list[Code]:
    """Codes of these rules that are this one and say what the fact says, marked no stronger."""
    codes = [one for piece in found if piece.book for one in piece.book.table.codes]
    return [
        one
        for one in codes
        if one.code.rstrip("*").lower() == code.lower()
        and (fact.lower() in one.meaning.lower() or one.meaning.lower() in fact.lower())
        and one.verified in WEAKER[marked]
    ]


def decoded(found: Sequence[Piece], text: str) -> set[object]:
    """Values and outcomes that these rules make of a text."""
    meanings = [meaning(piece, [text], {}) for piece in found]
    return {m.value for m in meanings} | {m.outcome for m in meanings} | {
        (m.low, m.high) for m in meanings
    }  # fmt: skip


# What the gathered lists call a meaning, and the canonical value or outcome.
SAME = {
    "ihc_0": "0", "ihc_1": "1+", "ihc_2": "2+", "ihc_3": "3+", "ihc_negative_nos": "negative",
    "ish_negative": "negative", "ish_equivocal": "equivocal", "ish_positive": "positive",
    "negative_or_equivocal": "negative_or_equivocal", "positive": "positive",
    "negative": "negative", "equivocal": "equivocal", "borderline": "borderline",
    "ratio_lt_2": (None, 2.0), "ratio_ge_2": (2.0, None), "copy_ge_100": (100.0, None),
    ">=9.80": (9.8, None), "<1.00": (None, 1.0), ">=90": (90.0, None), ">=989": (989.0, None),
    "not_in_chart": "missing:not_in_chart", "not_collected": "missing:not_collected",
    "not_done": "missing:not_done", "not_interpretable": "missing:not_interpretable",
    "CR": "complete", "PR": "partial", "NR": "none", "g1": "1", "g2": "2", "g3": "3",
    "g1_nos": "1", "g2_nos": "2", "g3_nos": "3", "g4_nos": "4", "rcb_0": "0", "rcb_1": "I",
    "rcb_2": "II", "rcb_3": "III", "oncotype": "oncotype_dx", "mammaprint": "mammaprint",
    "low": "low", "intermediate": "intermediate", "high": "high", "yes": "yes", "no": "no",
    "pct_0": 0.0, "cPR": "partial", "cCR": "complete", "PD": "progression", "SD": "stable",
    "no_residual_invasive_breast": "no_invasive_in_breast", "event=1": "dead", "event=0": "alive",
    "bc_death=1": "breast_cancer", "bc_death=0": "other", "cause_missing": "unknown",
    "other_death=1": "other",
}  # fmt: skip


def lost(found: Sequence[Piece], row: Row, code: str, fact: str) -> str:
    """What of a row the package does not say; empty where all of it stands."""
    normalized, first = row["normalized"], code.partition("-")[0]
    if not held(found, code, fact, row["verified"]):
        return f"{code}: '{fact}' is not in the tables"
    if normalized in SAME and SAME[normalized] not in decoded(found, first):
        return f"{code}: not read as {SAME[normalized]} but {decoded(found, first)}"
    if normalized.startswith(("interval:", "pct_interval:")):
        low, high = map(float, normalized.split(":")[1:])
        return "" if (low, high) in decoded(found, code) else f"{code}: bounds differ"
    return ""


def outside(found: Sequence[Piece], code: str) -> bool:
    """Whether a number of a range, at its ends or middle, is not read as a number."""
    first, last = code.split("-")
    width = len(first) if "." not in first else 0
    ends = [float(first), (float(first) + float(last)) / 2, float(last)]
    texts = [f"{int(end):0{width}d}" if width else f"{end:.3f}" for end in ends]
    # Ends that a table states as codes of their own are read as codes; 9,998 months cannot be.
    return any(
        not {"value", "interval", "missing:score_given", "impossible"}
        & {str(x) for x in decoded(found, text)}
        for text in texts
    )


def checked(gathered: list[Row], source: str, headings: dict[str, tuple[str, ...]]) -> list[str]:
    """Everything that is lost of some rows, each with the column names that hold its field."""
    wrong = []
    for row in gathered:
        field = row.get("field") or row["naaccr_item"]
        found, code = pieces(source, *headings[field]), row["code"]
        if not code:
            continue
        if row.get("kind") == "range" or "0000-9998" in code:
            said = f"{code}: not read as numbers" if outside(found, code) else ""
        else:
            said = lost(found, row, code, row["meaning_own_words"])
        wrong += [f"{source} {field} {said}"] if said else []
    return wrong


def test_every_ssdi_code(domain: Path) -> None:
    gathered = rows(domain, "naaccr_ssdi_codes.csv")
    by_item = {row["naaccr_item"]: (row["naaccr_xml_id"], row["naaccr_item"]) for row in gathered}
    assert checked(gathered, "naaccr", by_item) == []
    named = [row for row in gathered if row["ncdb_puf_name"]]
    by_name = {row["naaccr_item"]: (row["ncdb_puf_name"],) for row in named}
    assert checked(named, "ncdb_puf", by_name) == []
    assert len(gathered) > 140


def test_every_collaborative_stage_code(domain: Path) -> None:
    gathered = rows(domain, "cs_ssf_codes.csv")
    items = {row["field"]: (row["naaccr_item"],) for row in gathered}
    names = {row["field"]: (row["ncdb_puf_name"],) for row in gathered}
    assert checked(gathered, "naaccr", items) == []
    assert checked(gathered, "ncdb_puf", names) == []
    assert len(gathered) > 170


def test_every_code_of_survival_and_treatment(domain: Path) -> None:
    gathered = rows(domain, "naaccr_survival_treatment_codes.csv")
    single = [row for row in gathered if row["naaccr_item"] != "1910"]
    assert (
        checked(single, "naaccr", {row["naaccr_item"]: (row["naaccr_item"],) for row in single})
        == []
    )
    # Item 1910 is given as ranges of ICD-10: test_sources_naaccr.py reads its codes.
    assert len(gathered) - len(single) == 3


FLAT = {"her2 (old flat file)": "her2", "brst_sub (old flat file)": "brst_sub",
        "STAT_REC (old flat file)": "STAT_REC"}  # fmt: skip
DESCRIBED = ("50-54 years (5-year bands, 85+ years)", "85-89 years, 90+ years",
             "0000-9998 zero-padded")  # fmt: skip


def test_every_seer_label(domain: Path) -> None:
    missing = SourceDictionary.load("seer").missing
    wrong = []
    for row in rows(domain, "seer_value_labels.csv"):
        label, variable = row["label"], FLAT.get(row["seerstat_variable"], row["seerstat_variable"])
        if label in DESCRIBED or label in missing:
            continue
        found = pieces("seer", variable)
        codes = [one for piece in found if piece.book for one in piece.book.table.codes]
        mine = [one for one in codes if one.code.rstrip("*") == label]
        if not any(one.verified in WEAKER[row["verified"]] for one in mine):
            wrong.append(f"{variable}: '{label}' is not in the tables, or marked more strongly")
        elif row["normalized"] in SAME and SAME[row["normalized"]] not in decoded(found, label):
            wrong.append(f"{variable}: '{label}' is read as {decoded(found, label)}")
    assert wrong == []


def test_no_or_unknown_is_never_no(domain: Path) -> None:
    for row in rows(domain, "seer_value_labels.csv"):
        if row["normalized"] == "no_or_unknown":
            (piece,) = pieces("seer", row["seerstat_variable"])
            assert meaning(piece, [row["label"]], {}).outcome == "missing:no_or_unknown"


def named(source: str) -> set[str]:
    """Every heading that a dictionary names, mapped or left out with a reason."""
    dictionary = SourceDictionary.load(source)
    return {h.casefold() for role in dictionary.files for h in dictionary.headings(role)}


# Columns that have no use here, by the list that names them.
UNUSED: dict[str, set[str]] = {
    "metabric": {"(reverse-KM median follow-up)", "THREEGENE", "NPI", "COHORT",
                 "INFERRED_MENOPAUSAL_STATE", "CELLULARITY", "ER_STATUS"},
    "naaccr": {"dateOfLastContact"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("source", "file", "key"),
    [
        ("ncdb_puf", "ncdb_puf_variables.csv", "puf_name"),
        ("naaccr", "naaccr_items.csv", "xml_id"),
        ("seer", "seer_variables.csv", "seerstat_variable"),
        ("metabric", "metabric_columns.csv", "column"),
    ],
)
def test_every_variable_is_read_or_left_out_with_a_reason(
    domain: Path, source: str, file: str, key: str
) -> None:
    known, unused = named(source), UNUSED.get(source, set())
    gathered = [row[key] for row in rows(domain, file)]
    assert [x for x in gathered if x.casefold() not in known and x not in unused] == []


def test_every_status_label_and_missing_token(domain: Path) -> None:
    books = [CodeBook(read_codes(path)) for path in sorted(FOLDER.glob("*.csv"))]
    for row in rows(domain, "status_labels.csv"):
        text = row["raw_value"].rpartition("=")[2]
        assert any(book.find(text.lower()) for book in books), text
    tokens = {"TCGA biotab": "tcga_brca", "cBioPortal": "cbioportal", "SEER*Stat": "seer"}
    for row in rows(domain, "missing_tokens.csv"):
        source, token = tokens.get(row["source"]), row["token"]
        if source is None or not token:
            continue
        dictionary = SourceDictionary.load(source)
        tables = {rule.codes for _, rule in dictionary.rules() if rule.codes}
        every = [code for name in tables for code in dictionary.codes(name).codes]
        read = [code for code in every if code.code.lower() == token.lower()]
        # A level may itself be "unknown" (a cause of death); nowhere does the token mean more.
        kinds = {code.kind for code in read if code.value != "unknown"}
        assert token in dictionary.missing or (read and kinds <= {"missing"}), token


def test_answers_of_exchange_formats_and_never_serum(domain: Path) -> None:
    codes = {c.code: c.value for c in read_codes(FOLDER / "wording_her2_result.csv").codes}
    gathered = {row["code"]: row for row in rows(domain, "fhir_omop_redcap_codes.csv")}
    assert codes["LA6577-6"] == "negative"
    assert codes["427685000"] == "positive"
    serum = {code for code, row in gathered.items() if "serum" in row["meaning"].lower()}
    assert len(serum) == 3
    texts = "".join(path.read_text() for path in FOLDER.parent.glob("*.yaml"))
    assert not [code for code in serum if code in texts or code in codes]
    # "negative" of HL7's older list means 1+: as a word it says no score, so it is not read so.
    scores = {c.code.lower(): c for c in read_codes(FOLDER / "wording_her2_ihc_score.csv").codes}
    assert scores["negative"].kind == "missing"


def test_split_keeps_headings_with_points() -> None:
    assert split("main.DSS.time") == ("main", "DSS.time")
