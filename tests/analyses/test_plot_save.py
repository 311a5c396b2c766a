"""Files of figures: the same bytes twice, text as text, fonts embedded, sizes to the point."""

from __future__ import annotations

import io
import re
from importlib.util import find_spec

import matplotlib as mpl
import pytest
from fontTools.ttLib import TTFont
from matplotlib.figure import Figure
from PIL import Image
from pypdf import PdfReader

from analyses.plots.flow import plot_flow
from analyses.plots.save import save_figure
from analyses.plots.style import (
    PAGE,
    FigureStyle,
    add_text,
    drawable,
    font_family,
    font_files,
    looks,
)
from cohort.schema import HER2_STATUS
from cohort.table import AttritionStep

STEP = AttritionStep(
    "her2_unknown", "No HER2 evidence (a=b, $x$ & <c>)", 1099, 460, 639,
    (("zero", 0), ("low", 0), ("positive", 0), ("unknown", 460)),
    (("zero", 61), ("low", 408), ("positive", 170), ("unknown", 0)),
)  # fmt: skip
GROUPS = ("zero", "low", "positive")


def flow(style=PAGE):
    return plot_flow((STEP,), groups=GROUPS, style=style)


@pytest.fixture
def saved(tmp_path):
    artists = flow()
    return {p.suffix: p for p in save_figure(artists.figure, tmp_path, "flow", alt=artists.alt)}


def test_two_drawings_and_two_saves_give_the_same_bytes(tmp_path):
    first, again, other = (tmp_path / name for name in ("first", "again", "other"))
    figure = flow().figure
    for folder, drawn in ((first, figure), (again, figure), (other, flow().figure)):
        folder.mkdir()
        names = [path.name for path in save_figure(drawn, folder, "flow")]
        assert names == ["flow.svg", "flow.pdf", "flow.png"]
    for name in names:
        assert (first / name).read_bytes() == (again / name).read_bytes()
        assert (first / name).read_bytes() == (other / name).read_bytes()


def test_no_file_holds_a_date_or_the_programs_version(saved):
    for path in saved.values():
        content = path.read_bytes()
        assert b"CreationDate" not in content
        assert b"<dc:date>" not in content
        assert mpl.__version__.encode() not in content
    assert PdfReader(saved[".pdf"]).metadata.get("/Producer") is None


def test_text_stays_text_in_vector_files(saved):
    svg = saved[".svg"].read_text(encoding="utf-8")
    assert ">HER2-positive</text>" in svg
    assert "“No HER2 evidence (a=b, $x$ &amp; &lt;c&gt;)”" in svg
    assert set(re.findall(r"font-family: ([^;\"]+)", svg)) == {f"'{font_family()}'"}
    page = PdfReader(saved[".pdf"]).pages[0]
    assert "No HER2 evidence (a=b, $x$ & <c>)" in page.extract_text()


def test_the_pdf_is_one_page_with_truetype_fonts_embedded(saved):
    reader = PdfReader(saved[".pdf"])
    assert len(reader.pages) == 1
    fonts = [font.get_object() for font in reader.pages[0]["/Resources"]["/Font"].values()]
    assert fonts
    for font in fonts:
        assert font["/Subtype"] in ("/Type0", "/TrueType")
        inner = font["/DescendantFonts"][0].get_object() if "/DescendantFonts" in font else font
        assert "/FontFile2" in inner["/FontDescriptor"].get_object()


@pytest.mark.parametrize("width", [89.0, 166.0, 183.0])
def test_sizes_are_those_of_the_style(width, tmp_path):
    artists = flow(FigureStyle(width_mm=width))
    svg, pdf, png = save_figure(artists.figure, tmp_path, "flow")
    points = width / 25.4 * 72
    assert float(PdfReader(pdf).pages[0].mediabox.width) == pytest.approx(points, abs=0.01)
    found = re.search(r'width="([0-9.]+)pt"', svg.read_text())
    assert found is not None
    assert float(found.group(1)) == pytest.approx(points, abs=0.01)
    with Image.open(png) as image:
        assert image.width == pytest.approx(width / 25.4 * 300, abs=1)
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_the_alternative_text_is_in_every_file(saved):
    alt = flow().alt
    assert PdfReader(saved[".pdf"]).metadata["/Subject"] == alt
    with Image.open(saved[".png"]) as image:
        assert image.text["Description"] == alt
    assert "(a=b, $x$ &amp; &lt;c&gt;)”: 460 patients, 639 remaining" in saved[".svg"].read_text()


def test_only_the_formats_asked_for_are_written(tmp_path):
    assert [p.name for p in save_figure(flow().figure, tmp_path, "x", ("png",))] == ["x.png"]
    assert [p.name for p in tmp_path.iterdir()] == ["x.png"]
    with pytest.raises(ValueError, match="svg, pdf, png, not as 'jpg'"):
        save_figure(flow().figure, tmp_path, "y", ("png", "jpg"))
    assert not (tmp_path / "y.png").exists()


def test_the_users_settings_neither_change_a_file_nor_are_changed(tmp_path, saved):
    odd = {"svg.fonttype": "path", "font.family": "monospace", "lines.linewidth": 7.0,
           "axes.linewidth": 5.0, "figure.facecolor": "red", "savefig.bbox": "tight",
           "savefig.facecolor": "red", "pdf.fonttype": 3, "text.color": "red",
           "patch.linewidth": 9.0, "axes.grid": True}  # fmt: skip
    folder = tmp_path / "other"
    folder.mkdir()
    with mpl.rc_context(odd):
        before = dict(mpl.rcParams)
        artists = flow()
        paths = save_figure(artists.figure, folder, "flow", alt=artists.alt)
        assert dict(mpl.rcParams) == before
    for path in paths:
        assert path.read_bytes() == saved[path.suffix].read_bytes()


def test_pages_get_the_very_files_that_figures_are_measured_with():
    style = PAGE
    named = {style.font(weight).get_file() for weight in ("regular", "semibold", "bold")}
    assert named <= {str(path) for path in font_files()}
    assert all(path.is_file() for path in font_files())
    for path in (p for p in font_files() if str(p) in named):
        names = TTFont(path)["name"]
        assert font_family() in {names.getDebugName(16), names.getDebugName(1)}


def test_the_packaged_font_is_used_where_it_is_installed():
    if find_spec("font_source_sans_pro") is None:
        assert font_family() == "DejaVu Sans"
    else:
        assert font_family() == "Source Sans Pro"


def test_without_the_packaged_font_figures_are_drawn_in_the_one_matplotlib_ships(monkeypatch):
    from analyses.plots import style as module

    monkeypatch.setattr(module, "_packaged", lambda _family: {})
    module._characters.cache_clear()
    assert module.font_family() == "DejaVu Sans"
    assert {path.name for path in module.font_files()} == {"DejaVuSans.ttf", "DejaVuSans-Bold.ttf"}
    figure = flow().figure
    figure.savefig(io.BytesIO(), format="svg")
    monkeypatch.undo()
    module._characters.cache_clear()


def test_measured_widths_are_those_of_the_font():
    text = "HER2-low, 12 345"
    (path,) = [p for p in font_files() if p.name in ("SourceSansPro-Regular.ttf", "DejaVuSans.ttf")]
    font = TTFont(path)
    glyphs, advances = font.getBestCmap(), font["hmtx"]
    units = sum(advances[glyphs[ord(c)]][0] for c in text)
    points = units / font["head"].unitsPerEm * 10
    # Kerning brings letters a little closer than their advances.
    assert PAGE.width(text, size=10) == pytest.approx(points / 72 * 25.4, rel=0.03)


def test_wrapped_lines_fit_and_lose_nothing():
    text = "Diagnosis between 2010 and 2017, when pneumonoultramicroscopicsilicovolcanoconiosis was"
    lines = PAGE.wrap(text, 30)
    assert all(PAGE.width(line) <= 30 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert PAGE.wrap("1\u00a0076\u00a0620 patients", 18) == ("1\u00a0076\u00a0620", "patients")
    assert PAGE.wrap("", 30) == ("",)


def test_her2_groups_keep_their_looks_and_no_two_groups_share_one():
    every = dict(zip(HER2_STATUS, looks("her2_status", HER2_STATUS), strict=True))
    assert len(set(every.values())) == len(HER2_STATUS)
    for some in (("low", "zero"), ("positive",), ("low", "unknown", "positive")):
        assert [every[g] for g in some] == list(looks("her2_status", some))
    assert len(set(looks("other", [str(i) for i in range(28)]))) == 28


def test_unknown_characters_are_escaped_and_known_ones_kept():
    assert drawable("HER2-low ≥ 1 × 10⁶ – ä") == "HER2-low ≥ 1 × 10⁶ – ä"
    assert drawable("中") == "\\u{4e2d}"
    axes = Figure().add_subplot()
    assert add_text(axes, (0, 0), "$a$中", PAGE.words()).get_text() == "$a$\\u{4e2d}"
