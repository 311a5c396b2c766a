"""NAACCR XML: what is read of it, one row a tumour, and every way in which it may be broken."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Any

import pytest

from cohort.dictionary import SourceDictionary
from cohort.errors import DataError
from cohort.formats import naaccr_xml
from cohort.formats.naaccr_items import item_ids, item_numbers
from cohort.harmonisation import harmonise
from cohort.her2 import classify_her2
from cohort.loading import Extract, load
from cohort.simulation import simulated_patients
from cohort.simulation.naaccr import write_naaccr_extract, write_naaccr_xml

DICTIONARY = """
name: state
describes: A state registry
files:
  main: {grain: tumour, key: [patientIdNumber, "20"]}
time: {followup: months}
fits: [[main.dateOfDiagnosis, main.390]]
columns:
  sex: {from: [main.sex, main.220], codes: label_sex}
  age_years: {from: [main.ageAtDiagnosis, main.230], number: {}}
  primary_site: {from: [main.primarySite, main.400]}
unmapped:
  - {columns: [main.dateOfDiagnosis, main.390, main.registryId], reason: a test}
"""
HEAD = (
    '<?xml version="1.0"?>\n<NaaccrData xmlns="http://naaccr.org/naaccrxml" '
    'baseDictionaryUri="http://naaccr.org/naaccrxml/naaccr-dictionary-250.xml" recordType="I" '
    'specificationVersion="1.7">\n'
)


def item(name: str, value: str) -> str:
    return f'<Item naaccrId="{name}">{value}</Item>'


def tumour(year: int, extra: str = "") -> str:
    return f"<Tumor>{item('dateOfDiagnosis', f'{year}0101')}{extra}</Tumor>"


def patient(key: int, *tumours: str) -> str:
    return f"<Patient>{item('patientIdNumber', str(key))}{''.join(tumours)}</Patient>\n"


ONE = patient(1, tumour(2015))


@pytest.fixture
def state(tmp_path: Path) -> SourceDictionary:
    path = tmp_path / "state.yaml"
    path.write_text(DICTIONARY)
    return SourceDictionary.load(path)


def read(folder: Path, source: Any, content: str | bytes, name: str = "a.xml") -> Extract:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return load(path, source=source)


def rows(extract: Extract) -> list[dict[str, Any]]:
    """Rows with headings for names, blanks left out."""
    headings = extract.headings["main"]
    found = extract.engine.collect(extract.tables["main"]).to_pylist()
    return [{headings[int(k[1:])]: v for k, v in row.items() if v is not None} for row in found]


def refused(folder: Path, source: Any, content: str | bytes, name: str = "a.xml") -> str:
    with pytest.raises(DataError) as caught:
        read(folder, source, content, name)
    return str(caught.value)


def noted(extract: Extract) -> dict[str, tuple[str, int]]:
    return {finding.rule: (finding.value, finding.n) for finding in extract.findings}


def test_each_tumour_is_a_row_with_its_patients_items(
    tmp_path: Path, state: SourceDictionary
) -> None:
    content = (
        f"{HEAD}{item('registryId', '77')}"
        f"<Patient>{item('patientIdNumber', '1')}{item('sex', '2')}"
        f"{tumour(2015, item('primarySite', 'C504'))}{tumour(2018)}</Patient>"
        f"{patient(2, tumour(2011))}</NaaccrData>"
    )
    extract = read(tmp_path, state, content)
    assert rows(extract) == [
        {
            "registryId": "77", "patientIdNumber": "1", "sex": "2",
            "dateOfDiagnosis": "20150101", "primarySite": "C504",
        },
        {"registryId": "77", "patientIdNumber": "1", "sex": "2", "dateOfDiagnosis": "20180101"},
        {"registryId": "77", "patientIdNumber": "2", "dateOfDiagnosis": "20110101"},
    ]  # fmt: skip
    assert extract.files[0].n_rows == 3
    assert noted(extract)["naaccr_xml"] == (
        "baseDictionaryUri naaccr-dictionary-250.xml, recordType I, specificationVersion 1.7", 3,
    )  # fmt: skip


def test_items_that_the_dictionary_does_not_name_are_headings_only(
    tmp_path: Path, state: SourceDictionary
) -> None:
    content = HEAD + patient(1, tumour(2015, item("nameLast", "Doe"))) + "</NaaccrData>"
    extract = read(tmp_path, state, content)
    assert extract.headings["main"] == ("patientIdNumber", "dateOfDiagnosis", "nameLast")
    assert rows(extract) == [{"patientIdNumber": "1", "dateOfDiagnosis": "20150101"}]


def test_an_item_with_a_number_only_is_called_by_its_name_where_it_is_known(
    tmp_path: Path, state: SourceDictionary
) -> None:
    numbers = (
        '<Item naaccrNum="230">060</Item><Item naaccrNum="9876">x</Item>'
        '<Item naaccrNum="400" naaccrId="primarySite">C501</Item>'
    )
    extract = read(tmp_path, state, HEAD + patient(1, tumour(2015, numbers)) + "</NaaccrData>")
    assert extract.headings["main"][2:] == ("ageAtDiagnosis", "9876", "primarySite")
    assert rows(extract)[0]["ageAtDiagnosis"] == "060"
    assert rows(extract)[0]["primarySite"] == "C501"


@pytest.mark.parametrize(
    ("prefix", "declared"),
    [
        ("", ' xmlns="http://naaccr.org/naaccrxml"'),
        ("n:", ' xmlns:n="http://naaccr.org/naaccrxml"'),
        ("", ""),
    ],
)
def test_name_spaces_with_and_without_a_prefix(
    tmp_path: Path, state: SourceDictionary, prefix: str, declared: str
) -> None:
    content = (f"<NaaccrData{declared}>" + ONE + "</NaaccrData>").replace("<", f"<{prefix}")
    content = content.replace(f"<{prefix}/", f"</{prefix}")
    assert rows(read(tmp_path, state, content)) == [
        {"patientIdNumber": "1", "dateOfDiagnosis": "20150101"}
    ]


def test_extensions_are_passed_over_and_counted(tmp_path: Path, state: SourceDictionary) -> None:
    other = '<o:More xmlns:o="urn:o"><o:Item naaccrId="sex">1</o:Item><o:More/></o:More>'
    content = HEAD.replace("recordType", 'userDictionaryUri="urn:mine" recordType')
    content += other + patient(1, other, tumour(2015, item("mine", "1") + other)) + "</NaaccrData>"
    extract = read(tmp_path, state, content)
    assert rows(extract) == [{"patientIdNumber": "1", "dateOfDiagnosis": "20150101"}]
    assert noted(extract)["extension"] == ("urn:o", 3)
    assert noted(extract)["user_dictionary"] == ("urn:mine", 1)


def test_text_in_pieces_is_put_together(tmp_path: Path, state: SourceDictionary) -> None:
    value = "C5<!-- note -->0<![CDATA[4]]>&#32;&amp;"
    content = HEAD + patient(1, tumour(2015, item("primarySite", value))) + "</NaaccrData>"
    assert rows(read(tmp_path, state, content))[0]["primarySite"] == "C504 &"


def test_blank_items_are_missing(tmp_path: Path, state: SourceDictionary) -> None:
    blank = item("primarySite", "") + '<Item naaccrId="ageAtDiagnosis"/>'
    content = HEAD + patient(1, tumour(2015, blank)) + "</NaaccrData>"
    assert set(rows(read(tmp_path, state, content))[0]) == {"patientIdNumber", "dateOfDiagnosis"}


def test_patients_without_a_tumour_are_counted(tmp_path: Path, state: SourceDictionary) -> None:
    extract = read(tmp_path, state, HEAD + ONE + patient(2) + patient(3) + "</NaaccrData>")
    assert len(rows(extract)) == 1
    assert noted(extract)["patients_without_tumour"] == ("", 2)


def test_values_that_contradict_each_other_are_missing_and_counted(
    tmp_path: Path, state: SourceDictionary
) -> None:
    twice = item("primarySite", "C501") * 2 + item("ageAtDiagnosis", "50")
    twice += item("ageAtDiagnosis", "51") + item("ageAtDiagnosis", "50") + item("sex", "1")
    content = (
        f"{HEAD}<Patient>{item('patientIdNumber', '1')}{item('sex', '2')}{tumour(2015, twice)}"
        f"{tumour(2016)}</Patient></NaaccrData>"
    )
    extract = read(tmp_path, state, content)
    assert rows(extract) == [
        {"patientIdNumber": "1", "dateOfDiagnosis": "20150101", "primarySite": "C501"},
        {"patientIdNumber": "1", "dateOfDiagnosis": "20160101", "sex": "2"},
    ]
    assert noted(extract)["stated_twice"] == ("", 3)


def test_items_that_first_appear_late_are_missing_before(
    tmp_path: Path, state: SourceDictionary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(naaccr_xml, "_BATCH", 1)
    monkeypatch.setattr("cohort.formats.compressed._CHUNK", 64)
    content = HEAD + ONE + patient(2, tumour(2016), tumour(2017, item("sex", "2")))
    extract = read(tmp_path, state, content + patient(3, tumour(2018)) + "</NaaccrData>")
    assert [row.get("sex") for row in rows(extract)] == [None, None, "2", None]
    assert [row["patientIdNumber"] for row in rows(extract)] == ["1", "2", "2", "3"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_the_declared_encoding_is_read(
    tmp_path: Path, state: SourceDictionary, encoding: str
) -> None:
    name = {"utf-8-sig": "UTF-8", "utf-16": "UTF-16", "latin-1": "ISO-8859-1"}[encoding]
    content = HEAD.replace('"1.0"', f'"1.0" encoding="{name}"')
    content += patient(1, tumour(2015, item("primarySite", "é"))) + "</NaaccrData>"
    extract = read(tmp_path, state, content.encode(encoding))
    assert rows(extract)[0]["primarySite"] == "é"


def test_compressed_by_gzip(tmp_path: Path, state: SourceDictionary) -> None:
    packed = gzip.compress((HEAD + ONE + "</NaaccrData>").encode())
    extract = read(tmp_path, state, packed, "a.xml.gz")
    assert len(rows(extract)) == 1
    assert extract.files[0].sha256 == hashlib.sha256(packed).hexdigest()


def test_one_item_in_many_pieces_of_the_file(
    tmp_path: Path, state: SourceDictionary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cohort.formats.compressed._CHUNK", 7)
    content = HEAD + patient(1, tumour(2015, item("primarySite", "C50é" * 40_000)))
    extract = read(tmp_path, state, content + "</NaaccrData>")
    assert rows(extract)[0]["primarySite"] == "C50é" * 40_000


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (HEAD + ONE + patient(2, tumour(2011))[:-20], "line 4, column"),
        (HEAD + ONE + patient(2, tumour(2011))[:-20], "patient 2: the file ends before it is"),
        (HEAD + ONE, "the file ends before it is complete"),
        (HEAD + ONE + "<Patient></Tumor>", "mismatched tag"),
        (HEAD + ONE + "<Patient></Tumor>", "a.xml line 4, column 12, patient 2"),
        (HEAD + "</NaaccrData>", "0 patients and no tumour"),
        (HEAD + patient(1) + "</NaaccrData>", "1 patients and no tumour"),
        (HEAD + tumour(2015) + "</NaaccrData>", "<Tumor> inside <NaaccrData>"),
        (HEAD + ONE + item("registryId", "1") + "</NaaccrData>", "an item after"),
        (HEAD + patient(1, tumour(2015), item("sex", "1")) + "</NaaccrData>", "an item after"),
        (HEAD + patient(1, tumour(2015, item("sex", "<b>1</b>"))), "an element inside an item"),
        (HEAD + patient(1, "<Item>3</Item>"), "an item without a name"),
        ("<html><body/></html>", "begins with <html>, so it is no NAACCR XML"),
        ('<?xml version="1.0"?><x:NaaccrData xmlns:x="urn:x"/>', "of name space 'urn:x'"),
        (HEAD + patient(1, tumour(2015, item("sex", "&nbsp;"))), "undefined entity"),
        (
            HEAD.replace('"1.0"', '"1.0" encoding="klingon"'),
            "its encoding cannot be read: unknown encoding",
        ),
    ],
)
def test_what_is_broken_is_told_with_its_place(
    tmp_path: Path, state: SourceDictionary, content: str, said: str
) -> None:
    assert said in refused(tmp_path, state, content)


def test_a_wrong_encoding_is_told_with_its_place(tmp_path: Path, state: SourceDictionary) -> None:
    content = HEAD + ONE + patient(2, tumour(2015, item("primarySite", "Zürich")))
    message = refused(tmp_path, state, (content + "</NaaccrData>").encode("latin-1"))
    assert "a.xml line 4, column" in message
    assert "patient 2: a letter that is not in the encoding" in message
    assert 'encoding="windows-1252"' in message


def test_a_document_type_is_refused_before_it_grows(
    tmp_path: Path, state: SourceDictionary
) -> None:
    entities = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10}">' for i in range(1, 12))
    bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "lol">{entities}]>{HEAD[22:]}'
    message = refused(tmp_path, state, bomb + patient(1, tumour(2015, item("sex", "&e11;"))))
    assert "a.xml line 1, column" in message
    assert "a document type declaration" in message


def test_an_endless_item_is_refused(
    tmp_path: Path, state: SourceDictionary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cohort.formats.naaccr_parser._LONGEST", 10_000)
    monkeypatch.setattr("cohort.formats.naaccr_parser._REACH", 20_000)
    monkeypatch.setattr("cohort.formats.compressed._CHUNK", 4_000)
    content = HEAD + patient(1, tumour(2015, item("primarySite", "C" * 100_000)))
    assert "patient 1: an item of more than 10,000 characters" in refused(tmp_path, state, content)


def test_a_compressed_file_cut_short_and_one_that_grows_without_end(
    tmp_path: Path, state: SourceDictionary, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = gzip.compress((HEAD + ONE * 500 + "</NaaccrData>").encode())
    assert "is cut short" in refused(tmp_path, state, whole[:-30], "a.xml.gz")
    monkeypatch.setattr("cohort.formats.compressed._FREE", 1 << 20)
    bomb = gzip.compress((HEAD + " " * (1 << 23)).encode())
    assert "200 times its size" in refused(tmp_path, state, bomb, "a.xml.gz")


def test_numbers_and_names_of_items_are_each_one() -> None:
    ids = item_ids()
    assert ids["390"] == "dateOfDiagnosis"
    assert ids["3850"] == "her2IhcSummary"
    assert len(set(ids.values())) == len(ids) == len(item_numbers())


def test_the_simulated_registry_is_the_same_as_xml_and_as_extracts(
    tmp_path: Path, state: SourceDictionary
) -> None:
    read_back = []
    for number, write in enumerate(
        [
            lambda path: write_naaccr_xml(path, 300, 5),
            lambda path: write_naaccr_extract(path, 300, 5),
            lambda path: write_naaccr_extract(path, 300, 5, headings="numbers"),
        ]
    ):
        extract = load(write(tmp_path / f"{number}.txt"), source=state)
        renamed = [{item_ids().get(k, k): v for k, v in row.items()} for row in rows(extract)]
        read_back.append(renamed)
    assert len(read_back[0]) > 300  # some have a second tumour
    assert {row["patientIdNumber"] for row in read_back[0]} == {f"{i:08d}" for i in range(1, 301)}
    assert read_back[0] == read_back[1] == read_back[2]
    again = write_naaccr_xml(tmp_path / "again.xml", 300, 5)
    assert again.read_bytes() == (tmp_path / "0.txt").read_bytes()


def test_patients_of_the_simulated_exchange_file_get_the_status_that_was_recorded(
    tmp_path: Path,
) -> None:
    path = write_naaccr_xml(tmp_path / "a.xml.gz", 600, 11, dirt=0)
    cohort = classify_her2(harmonise(load(path, source="naaccr")))
    truth = simulated_patients(600, seed=11)
    # The file has no tumour record number: sites and sequence numbers tell tumours apart.
    columns = ["her2_status", "n_tumours", "primary_site", "diagnosis_year", "age_years"]
    found = cohort.to_pandas(columns)
    assert list(found["her2_status"].astype(str)) == list(truth["her2_recorded"].astype(str))
    assert list(found["diagnosis_year"]) == list(truth["diagnosis_year"])
    assert list(found["age_years"]) == list(truth["age_years"])
    assert found["primary_site"].str.startswith("C50").all()
    assert 5 < (found["n_tumours"] == 2).sum() < 40
    assert found["n_tumours"].max() == 2
