"""The report as a web page: whole in itself, the PDF's words, alive in a browser."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import analyses
from analyses.formatting import DEFAULT
from analyses.report.blocks import Cell, FigureBlock, Heading, Paragraph, Table, row
from analyses.report.curve_pages import CURVES
from analyses.report.report import _pages
from analyses.report.web.page import _sort_key
from analyses.report.web.svg import inline

PROJECT = Path(__file__).resolve().parent.parent.parent
STUDY = PROJECT / "sample_data" / "her2_low_os.yaml"
NASTY = "<b>&amp;$x$ #1 \"q\" 'a' \U0001f600 \u05d0\u05d1"

# Run in the page: what it does when it is used, written where the dumped page shows it.
PROBE = """<script>
window.addEventListener("load", () => {
  const seen = {};
  const table = document.querySelector("table.sortable");
  const first = () => [...table.tBodies[0].rows].map((row) => row.cells[1].dataset.key);
  const button = table.tHead.rows[0].cells[1].querySelector("button");
  button.click(); seen.up = first(); button.click(); seen.down = first();
  document.getElementById("fold").click();
  seen.open = [...document.querySelectorAll("main > details")].filter((d) => d.open).length;
  document.getElementById("fold").click();
  const svg = document.getElementById("curves-svg");
  svg.scrollIntoView();
  const place = svg.getBoundingClientRect();
  svg.dispatchEvent(new PointerEvent("pointermove",
    {clientX: place.left + place.width / 2, clientY: place.top + 60, bubbles: true}));
  const box = document.getElementById("readout");
  seen.readout = box.hidden ? null : [...box.children].map((line) => line.textContent);
  seen.requests = performance.getEntriesByType("resource").map((entry) => entry.name)
    .filter((name) => !name.startsWith("data:"));
  seen.width = [document.documentElement.scrollWidth, window.innerWidth];
  seen.errors = window.probed;
  seen.fonts = [...document.fonts].filter((font) => font.status === "error").length;
  const out = document.createElement("pre");
  out.id = "probe"; out.textContent = JSON.stringify(seen); document.body.append(out);
});
</script>"""
LISTEN = """<script>window.probed = [];
window.addEventListener("error", (e) => window.probed.push(e.message));
document.addEventListener("securitypolicyviolation", (e) => window.probed.push(e.blockedURI));
const said = console.error;
console.error = (...a) => { window.probed.push(a.join(" ")); said(...a); };
</script>"""


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Path]:
    out = tmp_path_factory.mktemp("web") / "out"
    return analyses.run_study(analyses.load_study(STUDY), out=out), out


class _Read(HTMLParser):
    """Words, attributes that lead elsewhere, and ids of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("script", "style")
        given = dict(attrs)
        self.links += [v for k, v in attrs if v and k in ("src", "href", "xlink:href", "action")]
        if given.get("id"):
            self.ids.append(str(given["id"]))

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(data)


def read(page: str) -> _Read:
    made = _Read()
    made.feed(page)
    return made


def test_nothing_leaves_the_page_and_no_id_is_used_twice(output: tuple[Any, Path]) -> None:
    page = (output[1] / "report.html").read_text(encoding="utf-8")
    made = read(page)
    assert all(link.startswith(("#", "data:")) for link in made.links)
    assert not re.search(r"@import|url\((?!data:|#)", page)
    assert len(made.ids) == len(set(made.ids))
    inner = [link[1:] for link in made.links if link.startswith("#")]
    assert set(inner) <= set(made.ids)


def test_the_page_says_what_the_pdf_is_set_from(output: tuple[Any, Path]) -> None:
    result, out = output
    page = (out / "report.html").read_text(encoding="utf-8")
    said = " ".join(" ".join(read(page).words).split()).replace(" ; ", "; ")  # between links
    pages, front = _pages(
        result, {p.stem: ("words", 166.0) for p in (out / "figures").glob("*.svg")}
    )
    tables = [b for b in (*front, *pages) if isinstance(b, Table)]
    texts = [b.text for b in (*front, *pages) if isinstance(b, Paragraph | Heading)]
    texts += [cell.text for table in tables for cells in table.rows for cell in cells]
    texts += [table.note for table in tables]
    missing = [text for text in texts if " ".join(text.split()) not in said]
    assert missing == []
    heads = re.findall(r"<strong>Table (\d+)\.</strong>", page)
    assert [int(n) for n in heads] == list(range(1, len(tables) + 1))


def test_the_readout_says_what_the_curves_are(output: tuple[Any, Path]) -> None:
    result, out = output
    page = (out / "report.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="readouts">(.*?)</script>', page, re.S).group(1))  # type: ignore[union-attr]
    km = next(a for a in result.analyses if a.id == "curves").curves
    shown = data["curves"]
    place = shown["times"].index(60.0)
    at = {r["group"]: r for r in km.at([60.0]).to_dict("records")}
    risk = {r["group"]: r for r in km.risk_table([60.0]).to_dict("records")}
    for curve, said in zip(km.curves, shown["groups"], strict=True):
        share = f"{100 * at[curve.group]['estimate']:.1f}%"
        assert said["said"][place] == f"{share}, {risk[curve.group]['n_risk']:,} at risk"
    assert shown["said"][place].startswith("60")


def _read_out(**changes: Any) -> list[str]:
    """What is said at 0 to 4 of ten patients, of whom six die at 1, two at 2 and one at 3."""
    rows = pd.DataFrame({"time": [1] * 6 + [2, 2, 3, 4], "event": [1] * 9 + [0], "w": [1.5] * 10})
    weights = {"weights": "w"} if "counting" in changes else {}
    km = analyses.kaplan_meier(rows, time="time", event="event", **weights)
    analysis = SimpleNamespace(curves=km, curtail_below=3, counting="patients")
    vars(analysis).update(changes)
    ((_, said),) = CURVES.readout(analysis, np.arange(6.0), DEFAULT)
    return list(said)


def test_the_readout_ends_with_the_drawn_curve() -> None:
    ended = "curve ends: fewer than 3 patients at risk"
    first = ["100.0%, 10 at risk", "40.0%, 10 at risk", "20.0%, 4 at risk"]
    assert _read_out() == [*first, ended, ended, "not followed"]
    whole = _read_out(curtail_below=0)
    assert whole == [*first, "10.0%, 2 at risk", "10.0%, 1 at risk", "not followed"]
    nothing = _read_out(curtail_below=11)
    assert set(nothing[:5]) == {"curve ends: fewer than 11 patients at risk"}


def test_the_readout_counts_weights_where_the_table_under_the_figure_does() -> None:
    assert _read_out(counting="weights")[:3] == [
        "100.0%, 15.0 at risk",
        "40.0%, 15.0 at risk",
        "20.0%, 6.0 at risk",
    ]


def test_words_of_any_kind_come_out_as_they_are() -> None:
    from analyses.report.web.page import _Counter, _template

    counter = _Counter()
    table = Table("t", NASTY, (NASTY, "n"), ("left", "right"), (row(Cell(NASTY), "1"),), (), NASTY)
    items = [counter.shown(block, {}) for block in (Heading(NASTY, 2), Paragraph(NASTY), table)]
    part = {"id": "x", "title": NASTY, "items": items}
    page = _template().render(
        title=NASTY, kicker="", footer="", front=[], parts=[part], css="", js="", readouts="{}"
    )
    made = read(page)
    # Title, its heading, contents, section, heading, text, head, cell, note.
    assert sum(word == NASTY for word in made.words) == 9
    assert "<b>&" not in page


def test_ids_of_a_figure_carry_its_name() -> None:
    svg = (
        '<?xml version="1.0"?><svg width="1pt" viewBox="0 0 2 2"><metadata>m</metadata>'
        '<defs><style type="text/css">*{stroke-linecap: butt}</style><clipPath id="p1"/></defs>'
        '<g id="axes_1" clip-path="url(#p1)"><use xlink:href="#p1"/></g></svg>'
    )
    made = inline(svg, "curves", 'a "b" <c>')
    assert 'id="curves-p1"' in made
    assert "url(#curves-p1)" in made
    assert 'xlink:href="#curves-p1"' in made
    assert "#curves-svg *{" in made
    assert "metadata" not in made
    assert 'aria-label="a &quot;b&quot; &lt;c&gt;"' in made


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,234 (5.0%)", 1234), ("\u22120.12", -0.12), (".04", 0.04), ("0\u00b777", 0.77),
        ("1.2 \u00d7 10\u2076", 1.2e6), ("1.2 \u00d7 10\u207b\u2076", 1.2e-6),
    ],
)  # fmt: skip
def test_columns_sort_by_their_numbers(text: str, number: float) -> None:
    assert float(_sort_key(text)) == pytest.approx(number)


def test_values_beyond_what_is_written_sort_beside_it() -> None:
    in_order = ["<0.001", "0.001", "0.04", "0.99", ">0.99"]
    keys = [float(_sort_key(text)) for text in in_order]
    assert keys == sorted(keys)
    assert len(set(keys)) == 5
    assert _sort_key("Women") == "women"


def test_a_figure_that_is_not_there_is_a_fault_of_ours(tmp_path: Path) -> None:
    from analyses.report.web.page import web_page

    with pytest.raises(FileNotFoundError):
        web_page(None, [FigureBlock("f", "", "", 1)], [], tmp_path, None, {})  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("width", [400, 1200])
def test_the_page_works_in_a_browser(output: tuple[Any, Path], tmp_path: Path, width: int) -> None:
    seen = probed(output[1] / "report.html", tmp_path, width)
    assert seen["errors"] == []
    assert seen["requests"] == []
    assert seen["fonts"] == 0
    numbers = [float(key) for key in seen["up"]]
    assert numbers == sorted(numbers)
    assert [float(key) for key in seen["down"]] == sorted(numbers, reverse=True)
    assert seen["open"] == 0
    assert len(seen["readout"]) == 4  # the time and three groups
    assert seen["readout"][1].startswith("HER2-zero: ")
    assert seen["width"][0] <= seen["width"][1]  # nothing is wider than the screen


@pytest.mark.slow
@pytest.mark.browser
def test_the_page_prints(output: tuple[Any, Path], tmp_path: Path) -> None:
    from pypdf import PdfReader

    made = tmp_path / "printed.pdf"
    browser(output[1] / "report.html", tmp_path, f"--print-to-pdf={made}", "--no-pdf-header-footer")
    text = " ".join(" ".join(page.extract_text() for page in PdfReader(made).pages).split())
    assert "Manifest" in text
    assert "Cohort and flow" in text


def probed(page: Path, folder: Path, width: int) -> dict[str, Any]:
    """What the page did when it was used in a browser of so many pixels."""
    copy = folder / "probe.html"
    text = page.read_text(encoding="utf-8")
    text = text.replace("<style>", LISTEN + "<style>", 1).replace("</body>", PROBE + "</body>")
    copy.write_text(text, encoding="utf-8")
    dumped = browser(copy, folder, f"--window-size={width},900", "--dump-dom")
    found = re.search(r'<pre id="probe">(.*?)</pre>', dumped, re.S)
    assert found is not None, dumped[-2000:]
    seen: dict[str, Any] = json.loads(html.unescape(found.group(1)))
    return seen


def browser(page: Path, folder: Path, *options: str) -> str:
    """What headless Chromium prints for a page; skips where there is none."""
    command = shutil.which("chromium") or shutil.which("chromium-browser")
    if command is None:
        pytest.skip("browser absent: chromium was not found")
    fixed = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'u'}"]
    done = subprocess.run(
        [command, *fixed, *options, page.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return done.stdout
