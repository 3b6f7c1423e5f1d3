"""The project as one page: every mark, faces only where somebody asks for them."""

from mescope.app import report_pdf
from mescope.app.pages import Part, Report, Row
from mescope.app.words import english


def test_every_mark_is_there_and_faces_only_when_asked_for(served, analyzed):
    served.judge(analyzed, "edit", "m30-40-49", note="<b>seen</b> twice")
    served.judge(analyzed, "reject", "m70-75-80")
    plain = served.client.get("/api/report")
    assert plain.status_code == 200
    assert plain.headers["content-type"].startswith("text/html")
    assert "data:image/png" not in plain.text
    assert "30–49" in plain.text
    assert "&lt;b&gt;seen&lt;/b&gt; twice" in plain.text
    assert "<b>seen" not in plain.text
    shown = served.client.get("/api/report", params={"pictures": "true"}).text
    own = shown.partition("<h2>analyzed.mp4</h2>")[2].partition("</section>")[0]
    assert own.count("data:image/png;base64,") == 1
    assert "frames 30 to 49: surprise" in own
    assert "frames 70 to 80" not in own  # rejected
    assert "http" not in shown.replace("http-equiv", "")


def test_a_phone_shows_it_as_wide_as_it_is_and_moves_tables_by_themselves(served, analyzed):
    page = served.client.get("/api/report").text
    assert 'name="viewport" content="width=device-width, initial-scale=1"' in page
    assert page.count("<table") == page.count('<div class="scroll"><table') > 1


def pictures_in(data):
    return data.count(b"/Subtype /Image")


def test_the_same_as_pdf(served, analyzed):
    """Plots always, faces only when asked for, as on the page."""
    served.judge(analyzed, "edit", "m30-40-49", note="gesehen \u2013 \u03ba \u8868\u60c5")
    plain = served.client.get("/api/report", params={"format": "pdf"})
    assert plain.headers["content-type"] == "application/pdf"
    assert plain.headers["content-disposition"] == 'attachment; filename="report.pdf"'
    assert plain.content.startswith(b"%PDF-")
    shown = served.client.get("/api/report", params={"format": "pdf", "pictures": "true"})
    assert pictures_in(shown.content) > pictures_in(plain.content) >= 1
    assert served.client.get("/api/report", params={"format": "doc"}).status_code == 400


def test_a_pdf_of_many_marks_ends_and_says_so(monkeypatch):
    """Of 60 marks in three recordings 30 are shown."""
    monkeypatch.setattr(report_pdf, "MOST_ROWS", 30)
    said = []
    monkeypatch.setattr(report_pdf, "_line", lambda _pdf, text, *_, **__: said.append(text))
    row = Row(status="rejected", cells=("x",) * 11)
    parts = [Part(name=name, rows=(row,) * 20) for name in ("a", "b", "c")]
    found = report_pdf.report_pdf(Report(title="t", parts=parts, words=english()))
    assert found.startswith(b"%PDF-")
    assert said == [
        "t", english()("pages.notice"), "a", "b",
        "These are the first 30 marks; the report in HTML has all.",
    ]  # fmt: skip


def test_a_long_note_is_cut_in_the_pdf_which_says_so(monkeypatch):
    """No row may be higher than a page, whatever its letters and line ends."""
    line, said = report_pdf._line, []
    monkeypatch.setattr(report_pdf, "_line", lambda p, t, *a, **k: said.append(t) or line(p, t))
    for note in ("seen twice " * 200, "W" * 1500, "\n" * 300, "x" * 20):
        cells = (*["x"] * 10, note)
        part = Part(name="a", rows=(Row(status="own", cells=cells),))
        report_pdf.report_pdf(Report(title="t", parts=[part], words=english()))
        assert (english()("pages.cut") in said) is (len(note) > 20)
        said.clear()


def test_without_the_library_the_way_out_is_said(served, monkeypatch):
    monkeypatch.setattr(report_pdf.importlib.util, "find_spec", lambda name: None)
    answer = served.client.get("/api/report", params={"format": "pdf"})
    assert answer.status_code == 400
    assert "pip install fpdf2, or print the report from the browser" in answer.json()["error"]
