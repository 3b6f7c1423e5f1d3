"""The report of a project as PDF: what its page says, in the order of its page.

fpdf2 sets the pages; the letters are those that Matplotlib brings along (Latin, Greek and
Cyrillic among them).  Others, such as Chinese, show as boxes here and as they are on the page.
"""

from __future__ import annotations

import base64
import importlib.util
import io
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mescope.app.pages import Figure, Report, Section, mark_heads
from mescope.errors import MescopeError

if TYPE_CHECKING:
    from fpdf import FPDF

MOST_ROWS = 2_000
"""Marks in the tables: 7 s of work; the page in HTML has all."""

_MARGIN, _PICTURE, _PLOT = 14, 32, 150  # mm: of a page; height of a pair; most width of a plot
_PADDING = 0.6  # mm: of a cell
_SMALL, _TEXT, _HEAD, _TITLE = 7, 9, 13, 18  # points
_MOST_LINES = 30  # of a cell: with a head of several lines they fit on a page
_SHARES = (9, 9, 7, 7, 7, 10, 8, 12, 10, 9, 14)  # widths of a table of marks


def check_fpdf() -> None:
    """Refuse a PDF where the library for it is missing.

    Raises:
        MescopeError: fpdf2 is not installed.
    """
    if importlib.util.find_spec("fpdf") is None:
        raise MescopeError(
            "a PDF needs fpdf2, which is not installed; run: pip install fpdf2, or print the "
            "report from the browser"
        )


def report_pdf(report: Report) -> bytes:
    """Return a PDF, A4 across.

    Args:
        report: what is to be said; figures as PNG in data URIs.
    """
    check_fpdf()
    pdf, words = _document(report.title), report.words
    _line(pdf, report.title, _TITLE, bold=True)
    _line(pdf, words("pages.notice"))
    if report.most_pictures:
        _line(pdf, words("pages.most_pictures", n=report.most_pictures))
    for section in report.sections:
        _section(pdf, section)
    heads, left = mark_heads(words), MOST_ROWS
    for part in report.parts:
        _line(pdf, part.name or "", _HEAD, bold=True)
        rows = [(row.cells, row.status == "rejected") for row in part.rows[:left]]
        if _table(pdf, heads, rows, _SHARES):
            _line(pdf, words("pages.cut"))
        left -= len(rows)
        _pictures(pdf, part.figures)
        if left <= 0:
            _line(pdf, words("pages.most_rows", n=MOST_ROWS))
            break
    if report.empty:
        _line(pdf, words("pages.empty", names=", ".join(report.empty)))
    return bytes(pdf.output())


def _document(title: str) -> FPDF:
    import matplotlib
    from fpdf import FPDF

    class Numbered(FPDF):
        def footer(self) -> None:
            self.set_y(-12)
            self.set_font("text", size=_SMALL)
            self.cell(0, 5, f"mescope · {self.page_no()} / {{nb}}", align="R")

    # fontTools and fpdf2 tell of every letter that a font lacks, line by line.
    for name in ("fontTools", "fpdf"):
        logging.getLogger(name).setLevel(logging.ERROR)
    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    pdf = Numbered(orientation="L", format="A4")
    pdf.set_margin(_MARGIN)
    pdf.set_auto_page_break(True, margin=16)
    pdf.add_font("text", fname=fonts / "DejaVuSans.ttf")
    pdf.add_font("text", "B", fonts / "DejaVuSans-Bold.ttf")
    pdf.set_title(title)
    pdf.set_creator("mescope")
    pdf.add_page()
    return pdf


def _line(pdf: FPDF, text: str, size: int = _TEXT, *, bold: bool = False) -> None:
    """Write a paragraph, or a heading that does not stand alone at the foot of a page."""
    if bold and pdf.will_page_break(30):
        pdf.add_page()
    if bold:
        pdf.ln(2)
    pdf.set_font("text", "B" if bold else "", size)
    pdf.multi_cell(0, size * 0.5, text, align="L", new_x="LMARGIN", new_y="NEXT")
    pdf.ln(1)


def _section(pdf: FPDF, section: Section) -> None:
    _line(pdf, section.title, _HEAD, bold=True)
    for text in section.words:
        _line(pdf, text)
    if section.rows:
        _table(pdf, section.heads, [(row, False) for row in section.rows])
    if section.figure:
        _plot(pdf, section.figure)


def _table(
    pdf: FPDF,
    heads: Sequence[str],
    rows: Sequence[tuple[Sequence[str], bool]],
    shares: Sequence[int] | None = None,
) -> bool:
    """Write a table whose heads come again on every page; rejected rows are grey.

    Return whether a cell was cut: no row may be higher than a page.
    """
    from fpdf.enums import TableBordersLayout
    from fpdf.fonts import FontFace

    pdf.set_font("text", size=_SMALL)
    grey: Any = FontFace(color=(120, 120, 120))
    widths = [pdf.epw * n / sum(shares or [1] * len(heads)) for n in shares or [1] * len(heads)]
    cut = False
    with pdf.table(
        borders_layout=TableBordersLayout.HORIZONTAL_LINES, col_widths=shares,
        line_height=_SMALL * 0.55, padding=_PADDING, text_align="LEFT", v_align="TOP",
    ) as table:  # fmt: skip
        table.row(heads)
        for cells, is_rejected in rows:
            fitting = [_cut(pdf, c, w) for c, w in zip(cells, widths, strict=True)]
            cut = cut or fitting != list(cells)
            table.row(fitting, style=grey if is_rejected else None)
    pdf.ln(2)
    return cut


def _cut(pdf: FPDF, text: str, width: float) -> str:
    """Return as much of a cell as fits, with … where some is left out."""
    if len(text) <= _MOST_LINES:  # whatever its letters and line ends
        return text
    padding: Any = _PADDING  # its types say whole numbers; it takes any
    lines: Any = pdf.multi_cell(
        width, text=text, padding=padding, align="L", dry_run=True, output="LINES"
    )
    return text if len(lines) <= _MOST_LINES else "\n".join([*lines[: _MOST_LINES - 1], "…"])


def _plot(pdf: FPDF, source: str) -> None:
    from PIL import Image

    data = _bytes(source)
    with Image.open(io.BytesIO(data)) as picture:
        wide, high = picture.size
    width = min(_PLOT, (pdf.eph - 10) * wide / high)
    if pdf.will_page_break(width * high / wide):
        pdf.add_page()
    pdf.image(io.BytesIO(data), w=width)
    pdf.ln(2)


def _pictures(pdf: FPDF, figures: Sequence[Figure]) -> None:
    """Write onset, apex and difference of every mark, with the words below."""
    for figure in figures:
        if pdf.will_page_break(_PICTURE + 8):
            pdf.add_page()
        pdf.image(io.BytesIO(_bytes(figure.source)), h=_PICTURE)
        _line(pdf, figure.words, _SMALL)


def _bytes(source: str) -> bytes:
    return base64.b64decode(source.partition(",")[2])
