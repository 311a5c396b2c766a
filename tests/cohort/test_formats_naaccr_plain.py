"""The fast way through NAACCR XML against the slow one: whatever the bytes, the same outcome."""

from __future__ import annotations

import random
from typing import Any

import pytest

from cohort.errors import DataError
from cohort.formats import naaccr_plain
from cohort.formats.naaccr_parser import NaaccrParser
from cohort.formats.naaccr_plain import plain_patients

HEAD = '<?xml version="1.0"?>\n<NaaccrData xmlns="http://naaccr.org/naaccrxml">\n'


def item(name: str, text: object) -> str:
    return f'<Item naaccrId="{name}">{text}</Item>'


def tumour(*items: str) -> str:
    return f"<Tumor>{''.join(items)}</Tumor>"


def patient(*parts: str) -> str:
    return f"<Patient>{''.join(parts)}</Patient>"


NUMBERED = '<Item naaccrNum="390" naaccrId="dateOfDiagnosis">2015\r\n</Item>'
PATIENTS = [
    patient(item("sex", 2), tumour(item("primarySite", "C504"))),
    "  <Patient>\r\n <Tumor></Tumor>\r\n<Tumor>\n</Tumor>\r\n</Patient>",
    patient(),
    patient(item("sex", ""), "<Item naaccrId='race1'/><Tumor/>"),
    patient(item("sex", 2), tumour(item("sex", 1))),
    patient(tumour(item("note", "a&amp;b &#233;&#x10FFFF; &lt;é"))),
    patient(tumour(NUMBERED)),
    patient(tumour('<Item naaccrNum="230">60</Item> odd text ')),
    patient("<!-- <Patient></Patient> -->", tumour(item("sex", 2))),
    patient(tumour(item("sex", "<![CDATA[</Patient>]]>"))),
    patient('<x:y xmlns:x="urn:x"><Patient></Patient></x:y>', tumour()),
    patient('<Tumor xmlns="urn:y"></Tumor>'),
    patient(tumour('<Item naaccrId="sex" xmlns="urn:z">2</Item>')),
    '<Patient id="7"><Tumor></Tumor></Patient >',
]
MARKS = ("<", ">", "/", "&", "]]>", '"', "\0", "\x01", "é", "<!--", "-->", "<?a?>", "\r", "&#0;")
TAGS = (
    "<Patient>",
    "</Patient>",
    "<Tumor>",
    "</Tumor>",
    "<Item>",
    "</Item>",
    "&nbsp;",
    " xmlns=''",
)


def outcome(content: bytes, fast: bool, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, int]:
    """What a parser makes of a file, and how many pieces it took the fast way."""
    taken = 0

    def counted(piece: bytes) -> Any:
        nonlocal taken
        found = plain_patients(piece) if fast else None
        taken += found is not None
        return found

    with monkeypatch.context() as patched:
        patched.setattr("cohort.formats.naaccr_parser.plain_patients", counted)
        patched.setattr(naaccr_plain, "_SMALL", 1)
        parser = NaaccrParser("a.xml", lambda heading: heading != "race1")
        try:
            parser.feed([content[i : i + 50] for i in range(0, len(content), 50)], lambda: None)
        except DataError as error:
            return str(error), taken
    width = len(parser.slots)
    rows = [[*row, *[""] * (width - len(row))] for row in parser.tumours]
    by_name = [{name: row[slot] for name, slot in parser.slots.items()} for row in rows]
    counts = (parser.n_patients, parser.n_without_tumour, parser.n_conflicts, parser.extensions)
    return (sorted(parser.headings), by_name, counts), taken


def test_the_fast_way_is_taken_where_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = PATIENTS[:8]
    content = (HEAD + "\n".join(PATIENTS[:1] + plain) + "</NaaccrData>").encode()
    found, taken = outcome(content, True, monkeypatch)
    # Not the first, before which no patient ended, and not the one with <Tumor/>.
    assert taken == 7
    assert found == outcome(content, False, monkeypatch)[0]
    assert found[2][:3] == (9, 1, 1)
    assert found[1][6]["note"] == "a&b é\U0010ffff <é"
    assert found[1][7]["dateOfDiagnosis"] == "2015\n"
    assert found[1][8]["ageAtDiagnosis"] == "60"


def test_both_ways_give_the_same_whatever_the_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(20250131)
    taken = read = 0
    for _ in range(1500):
        chosen = draw.choices(PATIENTS, [8, 4, 4, 2, 4, 4, 4, 4, 1, 1, 1, 1, 1, 1], k=12)
        text = HEAD + "\n".join(PATIENTS[:2] + chosen) + "\n</NaaccrData>\n"
        for _ in range(draw.choice((0, 0, 1, 2))):
            at = draw.randrange(len(HEAD), len(text))
            text = text[:at] + draw.choice(MARKS + TAGS) + text[at + draw.choice((0, 0, 1, 9)) :]
        content = text.encode()
        if draw.random() < 0.05:
            content = content.replace("é".encode(), b"\xe9")
        fast, n = outcome(content, True, monkeypatch)
        slow, _ = outcome(content, False, monkeypatch)
        assert fast == slow, text
        taken += n
        read += not isinstance(fast, str)
    assert taken > 3_000
    assert 300 < read < 1_400


def test_another_encoding_or_a_prefix_goes_the_slow_way(monkeypatch: pytest.MonkeyPatch) -> None:
    body = "".join(PATIENTS[:1] * 9) + "</NaaccrData>"
    latin = HEAD.replace('"1.0"', '"1.0" encoding="latin-1"') + body
    assert outcome(latin.encode("latin-1"), True, monkeypatch)[1] == 0
    space = "http://naaccr.org/naaccrxml"
    mixed = f'<n:NaaccrData xmlns:n="{space}">{body.replace("</Naaccr", "</n:Naaccr")}'
    found, taken = outcome(mixed.encode(), True, monkeypatch)
    assert taken == 0
    assert found[2][3] == {"": 9}  # patients of no name space are extensions
    none = HEAD.replace(f' xmlns="{space}"', "") + body
    assert outcome(none.encode(), True, monkeypatch)[1] == 8
