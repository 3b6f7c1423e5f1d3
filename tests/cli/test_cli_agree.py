"""``mescope agree``: what it prints, and when it refuses."""

import json

import pytest

HEAD = "video,onset,offset,type,emotion,source\n"
ANNA = HEAD + "a.mp4,10,19,micro,fear,anna\na.mp4,40,49,micro,,anna\n"
BEA = HEAD + "a.mp4,12,21,micro,fear,bea\na.mp4,80,89,macro,,bea\n"


@pytest.fixture
def coders(here):
    (here / "anna.csv").write_text(ANNA)
    (here / "bea.csv").write_text(BEA)
    (here / "both.csv").write_text(ANNA + BEA.removeprefix(HEAD))
    return here


def test_a_table_is_printed(run, coders):
    status, out, err = run("agree", "anna.csv", "bea.csv", "--frames", "100")
    assert status == 0
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines() if line.strip()}
    assert rows["micro"][:4] == ["1", "1", "0", "0.6667"]
    assert rows["macro"] == ["0", "0", "1", "0.0000", "0.0000"]
    assert "emotion: 1 of 1 pairs alike, kappa –" in out
    assert "onset 2, offset 2" in out
    assert err == ""


def test_without_a_length_kappa_is_asked_for(run, coders):
    status, out, err = run("agree", "anna.csv", "bea.csv")
    assert status == 0
    assert "0.6667" in out
    assert "--frames" in err


def test_a_length_beside_a_recording_is_refused(run, coders):
    """One of the two would be ignored."""
    words = ("--frames", "100", "--video", "a.mp4")
    status, _, err = run("agree", "anna.csv", "bea.csv", *words)
    assert (status, "leave --frames out" in err) == (2, True)


def test_json_has_every_figure(run, coders):
    _, out, _ = run("agree", "anna.csv", "bea.csv", "--frames", "100", "--json")
    figures = json.loads(out)
    assert figures["rows"]["micro"]["both"] == 1
    assert figures["rows"]["micro"]["frames"] == [[78, 2], [12, 8]]
    # observed 0.86, expected (90 * 80 + 10 * 20) / 10000 = 0.74
    assert figures["rows"]["micro"]["kappa"] == pytest.approx((0.86 - 0.74) / 0.26)


def test_one_file_with_two_coders(run, coders):
    status, _, err = run("agree", "both.csv", "both.csv")
    assert status == 1
    assert "found anna, bea; choose with --source-a" in err
    words = ("--source-a", "anna", "--source-b", "bea", "--frames", "100")
    assert (
        run("agree", "both.csv", "both.csv", *words)[1]
        == run("agree", "anna.csv", "bea.csv", "--frames", "100")[1]
    )
    status, _, err = run(
        "agree", "both.csv", "both.csv", "--source-a", "x", "--source-b", "bea"
    )
    assert status == 1
    assert "expected marks of 'x', found those of anna, bea" in err


def test_different_videos_are_not_compared(run, coders):
    (coders / "bea.csv").write_text(BEA.replace("a.mp4", "b.mp4"))
    status, _, err = run("agree", "anna.csv", "bea.csv")
    assert status == 1
    assert "found none in common" in err
    assert "only one side has them: a.mp4, b.mp4" in err


def test_formats_may_differ(run, coders):
    assert run("convert", "bea.csv", "bea.eaf", "--rate", "30")[0] == 0
    words = ("--frames", "100")
    wanted = run("agree", "anna.csv", "bea.csv", *words)[1]
    assert run("agree", "anna.csv", "bea.eaf", *words)[1] == wanted
