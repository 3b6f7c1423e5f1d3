"""``mescope analyze``: batches, outputs, exit status."""

import json
import os
import shutil
import tempfile
from collections import namedtuple

import pytest
from made_up_results import touch
from PIL import Image

from mescope.cli.inputs import Job, check_folder, gather, names, seconds
from mescope.cli.standing import Asked, standing
from mescope.errors import OutputError
from mescope.video.reading import open_video


def test_one_recording_gives_a_table_and_three_reports(run, here, analyzer):
    touch("interview.mp4")
    status, out, err = run("analyze", "interview.mp4")
    assert status == 0
    assert "interview.mp4: 1 micro-expression in 3.0 s" in out
    assert "surprise" in out
    assert "0:01.133" in out
    made = sorted(p.name for p in (here / "mescope-results").iterdir())
    assert made == [
        f"interview.{s}" for s in ("csv", "events.csv", "frames.csv", "html", "json")
    ]
    assert "simulated faces" in err
    assert "wrote" not in out


def test_options_reach_the_analyzer(run, here, analyzer):
    touch("a.mp4")
    options = "--start 1:02.5 --end 70 --jobs 2 --face 1 --rate 25 --device auto --model me-tst"
    run("analyze", "a.mp4", *options.split(), "-o", "out", "--format", "csv")
    ((_, options),) = analyzer.calls
    assert analyzer.loaded == ("me-tst", "auto")
    del options["progress"]
    assert options == {"start": 62.5, "end": 70.0, "jobs": 2, "face": 1, "rate": 25.0}
    made = sorted(p.name for p in (here / "out").iterdir())
    assert made == ["a.csv", "a.events.csv", "a.frames.csv"]


@pytest.mark.parametrize("command", ["analyze", "spot"])
def test_landmarks_are_one_file_or_a_folder_of_them(run, here, analyzer, command):
    touch("a.mp4", "b.mp4", "marks/a.csv", "marks/b.csv")
    assert run(command, "a.mp4", "--landmarks", "marks/a.csv")[0] == 0
    assert (
        run(
            command,
            "a.mp4",
            "b.mp4",
            "--landmarks",
            "marks",
            *["--force"] * (command == "analyze"),
        )[0]
        == 0
    )
    given = [options["landmarks"].as_posix() for _, options in analyzer.calls]
    assert given == ["marks/a.csv", "marks/a.csv", "marks/b.csv"]
    (here / "marks/b.csv").unlink()
    status, _, err = run(
        command, "a.mp4", "b.mp4", "--landmarks", "marks", *["--force"] * (command == "analyze")
    )
    assert (status, "expected its landmarks in marks/b.csv" in err) == (3, True)
    status, _, err = run(command, "a.mp4", "b.mp4", "--landmarks", "marks/a.csv")
    assert status in (1, 3)


def test_one_bad_recording_of_three_does_not_stop_the_others(run, here, analyzer):
    """V3: the batch continues, exit 3, the bad one is named."""
    touch("a.mp4", "bad.mp4", "c.mp4")
    status, out, err = run("analyze", "a.mp4", "bad.mp4", "missing.mp4", "c.mp4")
    assert status == 3
    assert "a.mp4: 1 micro" in out
    assert "c.mp4: 1 micro" in out
    assert "bad.mp4: not a supported video" in err
    assert "not done: missing.mp4, bad.mp4" in err
    assert "2 of 4 recordings done" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("name", ["bad.mp4", "missing.mp4"])
def test_an_only_bad_recording_is_one_line_and_status_1(run, here, analyzer, name):
    touch("bad.mp4")
    status, out, err = run("analyze", name)
    assert status == 1
    assert out == ""
    assert err.count("\n") == 1
    assert name in err
    assert not (here / "mescope-results").exists()


@pytest.mark.parametrize("address", ["http://a.b/c.mp4", "rtsp://a.b", "concat:a.mp4|b.mp4"])
def test_addresses_are_refused(run, here, analyzer, address):
    status, _, err = run("analyze", address)
    assert status == 1
    assert "local file" in err
    assert analyzer.calls == []


def test_debug_shows_the_traceback_wherever_it_stands(run, here, analyzer):
    touch("bad.mp4")
    for words in (("--debug", "analyze", "bad.mp4"), ("analyze", "bad.mp4", "--debug")):
        status, _, err = run(*words)
        assert status == 1
        assert "Traceback" in err


def test_folders_are_searched(run, here, analyzer):
    touch("in/b.mp4", "in/deep/a.MOV", "in/notes.txt", "in/.hidden.mp4", "in/frames/img_1.png",
          "in/frames/img_2.png", "in/one/cover.png")  # fmt: skip
    status, _, _ = run("analyze", "in", "--rate", "30")
    assert status == 0
    taken = [os.path.relpath(source, "in") for source, _ in analyzer.calls]
    assert sorted(taken) == ["b.mp4", os.path.join("deep", "a.MOV"), "frames"]


def test_a_folder_of_numbered_pictures_is_one_recording(here):
    touch("clip/img10.jpg", "clip/img9.jpg")
    assert [job.name for job in gather(["clip"])[0]] == ["clip"]


def test_a_folder_without_media_is_a_clean_error(run, here, analyzer):
    touch("docs/readme.txt")
    status, _, err = run("analyze", "docs")
    assert status == 1
    assert "docs: expected video files or numbered pictures" in err


def test_a_recording_named_twice_is_analyzed_once(here):
    touch("v/a.mp4")
    jobs, failed = gather(["v", "v/a.mp4", "./v/../v/a.mp4"])
    assert len(jobs) == 1
    assert failed == {}


def test_equal_base_names_get_results_of_their_own(run, here, analyzer):
    touch("one/clip.mp4", "two/clip.mp4", "two/clip.avi", "two/other.mp4")
    status, _, _ = run("analyze", "one", "two", "--format", "json")
    assert status == 0
    made = sorted((here / "mescope-results").glob("*.json"))
    assert len(made) == 4
    told = {p.name: json.loads(p.read_text())["video"]["name"] for p in made}
    assert told["other.json"] == "other.mp4"
    assert told["one-clip.mp4.json"] == "clip.mp4"
    assert told["clip.avi.json"] == "clip.avi"


@pytest.mark.parametrize(
    "sources",
    [
        ["a/x.mp4", "b/X.mp4"],  # one file on a file system that ignores case
        ["a/caf\u00e9.mp4", "a/cafe\u0301.mp4"],  # NFC and NFD twins
        ["x.mp4", "x.frames.mp4"],  # x.frames.csv would be made twice
        ["a/x.mp4", "a-x.mp4", "a/x.avi"],
        ["a/b-c/x.mp4", "a-b/c/x.mp4", "a/b/c/x.mp4"],
        ["a/x.mp4"] * 3,
    ],
)
def test_names_never_clash(sources):
    chosen = names(sources)
    import unicodedata

    folded = [unicodedata.normalize("NFC", n).casefold() for n in chosen]
    every = folded + [f"{n}.frames" for n in folded]
    assert len(set(every)) == len(every)
    assert all(os.sep not in name for name in chosen)


@pytest.mark.parametrize(
    "name", ["-dash.mp4", "--force.mp4", "名字 😀.mp4", "a b.mp4", "[red]x.mp4"]
)
def test_odd_names(run, here, analyzer, name):
    """Names that begin with a dash."""
    touch(name)
    status, out, _ = run("analyze", "--", name)
    assert status == 0
    assert name in out
    assert (here / "mescope-results" / f"{os.path.splitext(name)[0]}.html").exists()


def test_a_name_with_control_characters_commands_no_terminal(run, here, analyzer):
    touch("a\x1b[2J\n\u202eb.mp4", "bad\x1b[2J.mp4")
    status, out, err = run("analyze", "a\x1b[2J\n\u202eb.mp4", "bad\x1b[2J.mp4")
    assert status == 3
    assert "\x1b" not in out + err
    assert "\u202e" not in out + err
    assert "\\x1b[2J" in out
    assert "\\x1b[2J" in err


def test_a_dash_name_without_dashes_before_it_gets_a_hint(run, here, analyzer):
    touch("-dash.mp4")
    status, _, err = run("analyze", "-dash.mp4")
    assert status == 2
    assert "./-dash.mp4" in err


def test_existing_results_are_refused_before_any_work(run, here, analyzer):
    touch("a.mp4", "mescope-results/a.frames.csv")
    status, _, err = run("analyze", "a.mp4")
    assert status == 1
    assert "a.frames.csv exists already and is kept" in err
    assert "--force" in err
    assert analyzer.calls == []
    assert (here / "mescope-results/a.frames.csv").read_bytes() == b"video"
    assert run("analyze", "a.mp4", "--force")[0] == 0
    assert (here / "mescope-results/a.frames.csv").read_bytes() != b"video"


def test_a_second_run_of_a_batch_does_only_what_is_missing(run, here, analyzer):
    touch("a.mp4", "b.mp4", "bad.mp4")
    assert run("analyze", "a.mp4")[0] == 0
    first = contents(here)
    status, out, err = run("analyze", "a.mp4", "b.mp4", "bad.mp4", "--json")
    assert status == 3
    assert [source for source, _ in analyzer.calls] == ["a.mp4", "b.mp4", "bad.mp4"]
    assert "a.mp4: finished before and kept" in err
    assert "2 of 3 recordings done: 1 finished before and kept, 1 analyzed, 1 failed" in err
    states = {one["input"]: one["state"] for one in json.loads(out)["results"]}
    assert states == {"a.mp4": "finished", "b.mp4": "new"}
    assert json.loads(out)["results"][0]["detections"][0]["emotion"] == "surprise"
    assert first.items() <= contents(here).items()


def contents(here):
    """Name -> bytes and time of every result."""
    files = (here / "mescope-results").iterdir()
    return {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in files}


def test_a_finished_batch_is_done(run, here, analyzer):
    """Nothing is missing and nothing failed: exit 0, and nobody is asked again."""
    touch("a.mp4", "b.mp4")
    assert run("analyze", "a.mp4", "b.mp4")[0] == 0
    first = contents(here)
    status, _, err = run("analyze", "a.mp4", "b.mp4")
    assert status == 0
    assert "2 of 2 recordings done: 2 finished before and kept" in err
    assert "not done" not in err
    assert len(analyzer.calls) == 2
    assert contents(here) == first


@pytest.mark.parametrize(
    "gone", [["a.json"], ["a.html"], ["a.events.csv", "a.json"], ["a.csv", "a.frames.csv"]]
)
def test_what_is_missing_is_made_and_the_rest_is_left_alone(run, here, analyzer, gone):
    """A command that was killed between two of its files is completed by the same command."""
    touch("a.mp4")
    assert run("analyze", "a.mp4")[0] == 0
    whole = contents(here)
    for name in gone:
        (here / "mescope-results" / name).unlink()
    status, out, err = run("analyze", "a.mp4", "--json")
    assert status == 0
    assert json.loads(out)["results"][0]["state"] == "completed"
    again = contents(here)
    assert {n: data for n, (data, _) in again.items()} == {n: d for n, (d, _) in whole.items()}
    assert all(again[name] == whole[name] for name in whole if name not in gone)
    assert not any(f"wrote {here}/{name}" in err for name in whole if name not in gone)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.json", '{"format": "somebody-elses"}'),
        ("a.html", "<title>my notes</title>"),
        ("a.csv", "subject;video\n"),
        ("a.events.csv", ""),
    ],
)
def test_files_of_somebody_else_are_in_the_way(run, here, analyzer, name, text):
    touch("a.mp4")
    (here / "mescope-results").mkdir()
    (here / "mescope-results" / name).write_text(text)
    status, _, err = run("analyze", "a.mp4")
    assert status == 1
    assert f"{name} exists already and is kept: it is no file of `mescope analyze`" in err
    assert analyzer.calls == []
    assert (here / "mescope-results" / name).read_text() == text


def test_what_a_coder_went_on_with_stays(run, here, analyzer):
    touch("a.mp4")
    assert run("analyze", "a.mp4", "--format", "elan,csv")[0] == 0
    coded = here / "mescope-results" / "a.eaf"
    coded.write_text("coded by hand")
    (here / "mescope-results" / "a.csv").unlink()
    assert run("analyze", "a.mp4", "--format", "elan,csv")[0] == 0
    assert coded.read_text() == "coded by hand"
    assert (here / "mescope-results" / "a.csv").exists()


def test_answers_to_another_question_are_not_taken_for_finished(run, here, analyzer):
    """Another recording of that name, another spotter, other weights."""
    job = Job("clip", "clip")
    for number in range(3):
        touch(f"clip/img{number}.png")
    document = here / "clip.json"
    asked = Asked("me-tst-plus-small", "model", lambda _job: {"rate": 30.0})
    assert asked.checksums[0]

    def made(**changes):
        about = {"weights_sha256": asked.checksums[0], "parameters": {"method": "model"}}
        video = {"name": "clip", "fingerprint": None} | changes.pop("video", {})
        whole = {"format": "mescope-analysis", "schema": 1, "video": video,
                 "provenance": about | changes}  # fmt: skip
        document.write_text(json.dumps(whole))
        return standing(job, [document], asked)

    with pytest.raises(OutputError, match="made of another method"):
        made(parameters={"method": "mdmd"}, video={"fingerprint": "x"})
    with pytest.raises(OutputError, match="made of another set of weights"):
        made(weights_sha256="0" * 64)
    table = {"face": "largest", "landmarks": ["openface", "0"]}
    for extraction, other in (({"face": 1}, "face"), (table, "landmark table")):
        with pytest.raises(OutputError, match=f"made of another {other}"):
            made(parameters={"method": "model", "extraction": extraction})
    for damaged in ([], {"method": "model", "extraction": 3}):
        with pytest.raises(OutputError, match="is damaged"):
            made(parameters=damaged)
    assert made().state == "finished"  # the pictures cannot be read: what was found is kept
    for number in range(3):
        Image.new("L", (64, 64), number).save(here / "clip" / f"img{number}.png")
    with pytest.raises(OutputError, match="made of another recording"):
        made(video={"fingerprint": "x"})
    own = open_video("clip", rate=30.0).fingerprint()
    assert made(video={"fingerprint": own}).state == "finished"


def test_an_output_folder_that_cannot_be_written_is_found_first(
    run, here, analyzer, monkeypatch
):
    """Read-only."""
    touch("a.mp4")

    def denied(*_args, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", denied)
    status, _, err = run("analyze", "a.mp4", "-o", "out")
    assert status == 1
    assert "Permission denied" in err
    assert analyzer.calls == []
    assert not (here / "out").exists()


def test_a_full_disk_is_found_first(run, here, analyzer, monkeypatch):
    """No space."""
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10**9, 10**9, 5_000_000))
    with pytest.raises(OutputError, match="only 5 MB are free"):
        check_folder(here)


def test_an_output_that_is_a_file_is_refused(run, here, analyzer):
    touch("a.mp4", "out")
    status, _, err = run("analyze", "a.mp4", "-o", "out")
    assert status == 1
    assert "is a file" in err


def test_a_disk_that_fills_up_leaves_no_half_file(run, here, analyzer, monkeypatch):
    """The write itself fails."""
    touch("a.mp4")

    def full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    status, _, err = run("analyze", "a.mp4")
    assert status == 1
    assert "No space left" in err
    assert list((here / "mescope-results").iterdir()) == []


def test_strict_refuses_what_gives_warnings(run, here, analyzer, monkeypatch):
    """Too slow a recording, with --strict."""
    from mescope.video import reading

    touch("a.mp4")
    slow = "15 frames/s is too slow for micro-expressions"
    opened = namedtuple("opened", "warnings")
    monkeypatch.setattr(reading, "open_video", lambda _source, **_times: opened([slow]))
    status, _, err = run("analyze", "a.mp4", "--strict")
    assert status == 1
    assert f"refused because of --strict: {slow}" in err
    assert analyzer.calls == []


def test_strict_also_refuses_warnings_of_the_analysis(run, here, analyzer, monkeypatch):
    from mescope.video import reading

    touch("a.mp4")
    analyzer.warnings = ("no face in 40 % of the frames",)
    opened = namedtuple("opened", "warnings")
    monkeypatch.setattr(reading, "open_video", lambda _source, **_times: opened([]))
    assert run("analyze", "a.mp4", "--strict")[0] == 1
    assert not list(here.glob("mescope-results/*"))
    assert run("analyze", "a.mp4")[0] == 0


def test_json_is_alone_on_stdout(run, here, analyzer):
    touch("a.mp4", "bad.mp4")
    status, out, _ = run("analyze", "a.mp4", "bad.mp4", "--json")
    document = json.loads(out)
    assert status == 3
    assert document["results"][0]["detections"][0]["emotion"] == "surprise"
    assert "traces" not in document["results"][0]
    assert [entry["input"] for entry in document["failed"]] == ["bad.mp4"]


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0), ("12.5", 12.5), ("1:02.25", 62.25), ("2:00:01", 7201)]
)
def test_times(text, value):
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["200ms", "1:99:00", "-3", "", "nan", "1e3", "1:2:3:4"])
def test_times_with_a_wrong_unit_are_wrong_usage(run, here, analyzer, text):
    touch("a.mp4")
    status, _, err = run("analyze", "a.mp4", f"--start={text}")
    assert status == 2
    assert "expected seconds" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--start", "5", "--end", "3"), "--start 5 must come before --end 3"),
        (("--format", "json,docx"), "'docx': expected any of json, csv, html"),
        (("--face", "biggest"), "expected largest, central, a number"),
        (("--jobs", "0"), "--jobs"),
        (("--rate", "0"), "--rate"),
    ],
)
def test_contradictory_options_are_wrong_usage(run, here, analyzer, words, said):
    touch("a.mp4")
    status, _, err = run("analyze", "a.mp4", *words)
    assert status == 2
    assert said in err
    assert analyzer.calls == []


def test_spot_prints_intervals_only(run, here, analyzer):
    touch("a.mp4")
    status, out, _ = run("spot", "a.mp4", "--method", "flow-peaks")
    assert status == 0
    assert "30–39" in out
    assert "surprise" not in out
    assert analyzer.methods[0] == "flow-peaks"
    assert list(here.iterdir()) == [here / "a.mp4"]
    entry = json.loads(run("spot", "a.mp4", "--json")[1])["results"][0]
    assert entry["intervals"][0]["onset"] == 30
    assert analyzer.methods[1] == "model"
    assert run("spot", "a.mp4", "--method", "me-tst")[0] == 0  # as version 0.1.0 called it
    assert analyzer.methods[2] == "model"


@pytest.mark.parametrize("command", ["spot", "analyze"])
def test_an_unknown_method_is_wrong_usage_and_names_those_there_are(
    run, here, analyzer, command
):
    touch("a.mp4")
    status, _, err = run(command, "a.mp4", "--method", "flow-peeks")
    assert status == 2
    assert "expected one of " in err
    assert all(name in err for name in ("mdmd", "model", "of-fd", "softnet"))
    assert "did you mean 'flow-peaks'?" in err
    assert run(command, "a.mp4", "--method", "none")[0] == 2
    assert analyzer.calls == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--method flow-peaks --model mine.safetensors", "uses no weights"),
        ("--method mdmd --model a --model b", "uses no weights"),
        ("--address 127.0.0.1:6379", "expected --engine ray beside --address"),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(run, here, analyzer, words, said):
    touch("a.mp4")
    status, _, err = run("analyze", "a.mp4", *words.split())
    assert status in (1, 2)
    assert said in err
    assert analyzer.calls == []
    assert run("analyze", "a.mp4", "--method", "flow-peaks")[0] == 0


def test_an_overlay_gets_what_the_analysis_got(run, here, analyzer, monkeypatch):
    from mescope.reports import overlay

    calls = []

    def draw(analysis, source, path, **options):
        calls.append((analysis.video["name"], source, str(path), options))
        return path

    monkeypatch.setattr(overlay, "write_overlay", draw)
    touch("a.mp4")
    words = "--overlay films/o.mp4 --start 1 --face 1 --format csv"
    status, _, err = run("analyze", "a.mp4", *words.split())
    assert status == 0
    ((name, source, path, options),) = calls
    assert (name, source, path) == ("a.mp4", "a.mp4", os.path.join("films", "o.mp4"))
    options.pop("progress")
    wanted = {"start": 1.0, "end": None, "rate": None, "jobs": None, "face": 1, "force": False}
    assert options == wanted
    assert "o.mp4" in err


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("a.mp4", "b.mp4", "--overlay", "o.mp4"), 2, "one recording"),
        (("a.mp4", "--overlay", "o.gif"), 1, "name ending in"),
        (("a.mp4", "--overlay", "a.mp4", "--force"), 1, "is the file that is read"),
        (("a.mp4", "--overlay", "b.mp4"), 1, "--force"),
    ],
)
def test_an_overlay_is_refused_before_any_work(run, here, analyzer, words, status, said):
    touch("a.mp4", "b.mp4")
    found, _, err = run("analyze", *words)
    assert found == status
    assert said in err
    assert analyzer.calls == []
