"""The project as one page: every mark, faces only where somebody asks for them."""


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
