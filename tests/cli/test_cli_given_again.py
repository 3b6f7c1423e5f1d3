"""``mescope analyze`` given again: what an earlier command made is known again."""

import json

import pytest
from made_up_results import touch

from mescope.cli.inputs import Job
from mescope.cli.many import MANIFEST, Manifest
from mescope.cli.standing import Asked, Standing, standing
from mescope.errors import OutputError, VideoError
from mescope.face.choice import chosen, moment_of

FORMATS = "json,csv,html,elan,boris,vtt,datavyu,activitynet"


def test_every_format_can_be_given_again(run, here, analyzer):
    touch("a.mp4")
    assert run("analyze", "a.mp4", "--format", FORMATS)[0] == 0
    status, _, err = run("analyze", "a.mp4", "--format", FORMATS)
    assert (status, "finished before and kept" in err) == (0, True)
    (here / "mescope-results" / "a.json").unlink()
    assert run("analyze", "a.mp4", "--format", FORMATS)[0] == 0
    assert run("analyze", "a.mp4", "--format", "activitynet")[0] == 0
    assert len(analyzer.calls) == 2


@pytest.mark.parametrize("face", ["640,200", "0:12", "12.5s", "1", "largest"])
def test_a_face_that_is_asked_for_again_is_the_same(tmp_path, face):
    """As results hold it: the place of a point or at a time, with that time."""
    meant = chosen(face)
    place = (7.0, 8.0) if moment_of(face) else meant
    extraction = {"face": place} | moment_of(face)
    parameters = {"method": "mdmd", "extraction": extraction}
    whole = {"video": {}, "provenance": {"parameters": parameters},
             "format": "mescope-analysis", "schema": 1}  # fmt: skip
    document = tmp_path / "a.json"
    document.write_text(json.dumps(whole))

    def state(asked):
        question = Asked("me-tst-plus-small", "mdmd", lambda _job: {}, asked)
        return standing(Job("a.mp4", "a"), [document], question).state

    assert state(int(face) if face.isdecimal() else face) == "finished"
    for other in ("640,201", "0:13", 2, "central", "all"):
        with pytest.raises(OutputError, match="made of another face"):
            state(other)


def test_what_cannot_be_checked_is_said(run, here, analyzer):
    """Without its JSON nothing says what a page was made of; a drawing never says it."""
    touch("a.mp4", "o.mp4")
    words = ("analyze", "a.mp4", "--format", "csv,html")
    assert run(*words)[0] == 0
    status, _, err = run(*words, "--overlay", "o.mp4")
    assert status == 0
    assert "files of an earlier command are kept unchecked" in err
    assert "o.mp4 exists already and is kept, whatever it shows" in err
    assert "unchecked" not in run("analyze", "a.mp4", "--format", "json", "-o", "new")[2]
    assert "unchecked" not in run("analyze", "a.mp4", "--format", "json", "-o", "new")[2]


def test_the_manifest_has_a_line_for_what_was_refused(tmp_path):
    one = Standing(Job("a.mp4", "a"), (), (tmp_path / "a.json",))
    Manifest(tmp_path, [one], {"gone.mp4": VideoError("gone.mp4: no such file")})
    lines = [json.loads(line) for line in (tmp_path / MANIFEST).read_text().splitlines()]
    assert [line["state"] for line in lines] == ["waiting", "failed"]
    assert lines[1] == {
        "input": "gone.mp4", "state": "failed", "error": "gone.mp4: no such file"
    }  # fmt: skip
