"""A study without a server: rates by hand, shares, people; hundreds of recordings."""

from contextlib import closing, suppress

import numpy as np
import pytest

from mescope.app import consensus as consensuses
from mescope.app import faces
from mescope.app.agreement import agreement, table
from mescope.app.annotation_sets import annotations_of
from mescope.app.consensus import make_consensus
from mescope.app.project import Project
from mescope.app.records import StoredRecording, VideoFacts
from mescope.app.sight import CONSENSUS, VIEWER, Viewer
from mescope.app.study import assign, keep_people, progress
from mescope.app.study_rates import Measured, _rows, as_csv, rates
from mescope.app.views import overview
from mescope.errors import DatasetError, MescopeError
from mescope.reports.rates_plot import rates_figure

FRAMES, RATE = 120, 30.0


@pytest.fixture
def project(tmp_path):
    with closing(Project(tmp_path)) as one:
        yield one


def filled(project, number):
    """Put recordings of four seconds into a project, without videos; return their ids."""
    facts = VideoFacts(seconds=4.0, rate=RATE, frames=FRAMES, width=64, height=48)
    ids = [f"{n:012x}" for n in range(number)]
    with project.store.together():
        for n, identity in enumerate(ids):
            project.store.add_recording(
                StoredRecording(
                    id=identity, name=f"s{n:03d}.mp4", path=f"s{n:03d}.mp4", size=1, mtime_ns=1,
                    sha256=None, fingerprint=None, added="", facts=facts, error=None,
                )
            )  # fmt: skip
    for identity in ids:
        times = np.arange(FRAMES) / RATE
        project.times_file(identity).write_bytes(times.astype("<f8").tobytes())
    return ids


def marked(project, identity, coder, *intervals, done=True):
    marks = [
        (coder, f"h{coder}{first}", {"first": first, "apex": None, "last": last})
        for first, last in intervals
    ]
    project.store.add_marks(identity, marks, "add")
    if done:
        project.store.add_event(identity, None, coder, "reviewed", values={"reviewed": True})


def analyzed(project, identity, gaps=(), blinks=()):
    events = [
        {"kind": "blink", "onset": n, "apex": n + 2, "offset": n + 4, "onset_s": n / RATE,
         "apex_s": (n + 2) / RATE, "offset_s": (n + 4) / RATE, "strength": 1.0, "details": {}}
        for n in blinks
    ]  # fmt: skip
    document = {
        "detections": [], "events": events, "provenance": {"model": "m"},
        "gaps": [{"first": a, "last": b, "reason": "dark"} for a, b in gaps],
    }  # fmt: skip
    project.review.enter_analysis(identity, document, "none.npz")


def row(found, level, name, event):
    return next(
        r for r in found["rows"] if (r["level"], r["name"], r["event"]) == (level, name, event)
    )


def test_rates_count_judged_time_and_what_lies_in_it(project):
    """Of 4 s the first could not be judged: a mark and a blink there count for nothing."""
    one, two, three = filled(project, 3)
    analyzed(project, one, gaps=[(0, 29)], blinks=[5, 50, 70])
    marked(project, one, "ann", (10, 20), (40, 50), (60, 100))
    marked(project, two, "ann", (40, 50))
    marked(project, three, "ann", (40, 50), done=False)
    found = rates(project, "ann")
    assert (found["recordings"], found["left_out"], found["outside"]) == (2, ["s002.mp4"], 2)
    assert found["gaps_unknown"] == ["s001.mp4"]
    all_micro = row(found, "all", "all", "micro")
    assert all_micro["judged_minutes"] == pytest.approx((3 + 4) / 60)
    assert all_micro["a_minute"] == pytest.approx(2 / (7 / 60))
    assert row(found, "all", "all", "macro")["number"] == 1  # 40 frames last 1.3 s
    blink = row(found, "person", "s000.mp4", "blink")
    assert (blink["number"], blink["a_minute"]) == (2, pytest.approx(2 / (3 / 60)))
    assert row(found, "all", "all", "blink")["judged_minutes"] == pytest.approx(3 / 60)


def test_people_and_conditions(project):
    ids = filled(project, 4)
    for number, identity in enumerate(ids):
        marked(project, identity, "ann", *((n * 15, n * 15 + 8) for n in range(number)))
    text = "Recording;Person;Condition\ns000;p1;calm\nS001.mp4;p1;tense\ns002;p2;=tense\n"
    assert keep_people(project, "people.csv", text.encode()) == {
        "rows": 3, "without": ["s003.mp4"],
    }  # fmt: skip
    found = rates(project, "ann")
    assert row(found, "person", "p1", "micro")["condition"] == "calm"
    assert row(found, "person", "s003.mp4", "micro")["number"] == 3  # in no row of the table
    groups = [r["name"] for r in found["rows"] if r["level"] == "condition"]
    assert sorted(set(groups)) == ["(none)", "=tense", "calm", "tense"]
    project.store.forget_recording(ids[0])  # what the table says of it goes, too
    kept = project.store.study.setting("people")["rows"]
    assert [one["recording"] for one in kept] == ["S001.mp4", "s002"]
    lines = as_csv(found["rows"]).splitlines()
    assert any(",'=tense,'=tense," in line for line in lines)  # no formula of a spreadsheet
    for form, begins in (("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")):
        assert rates_figure(found["rows"], form).startswith(begins)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "columns recording"),
        ("recording,person\ns000,p\ns000,q\n", "row 3"),
        ("recording,person\nelse,p\n", "such as s000.mp4"),
        ("recording,person\n", "1 to"),
        ('recording,person\n"s000,p\n', "never closes"),
        ("recording,person\ns000,Smith, Ann\n", "row 2: expected 2 cells"),
    ],
)
def test_tables_that_are_none_change_nothing(project, text, said):
    filled(project, 2)
    with pytest.raises(DatasetError, match=said):
        keep_people(project, "x.csv", text.encode())
    assert project.store.study.setting("people") is None


def test_a_row_that_two_recordings_share_stays_for_the_other(project):
    """A table may name the file alone, of which two folders have one."""
    one, two = filled(project, 2)
    for identity, name in ((one, "a/x.mp4"), (two, "b/x.mp4")):
        project.store.change_recording(identity, name=name)
    keep_people(project, "people.csv", b"recording,person\nx.mp4,p1\n")
    project.store.forget_recording(one)
    assert [r["person"] for r in project.store.study.setting("people")["rows"]] == ["p1"]
    project.store.forget_recording(two)
    assert project.store.study.setting("people")["rows"] == []


def test_hundreds_of_recordings_are_shared_out_evenly_and_compared(project):
    ids = filled(project, 200)
    assign(project, ids[:10], ["ann"], 1)
    made = assign(project, ids[10:], ["ann", "bob", "cid"], 2)
    load = {name: sum(name in held for held in made.values()) for name in ("ann", "bob", "cid")}
    assert sorted(load.values()) == [130, 130, 130]
    assert all(len(set(made[one])) == 2 for one in ids[10:])
    assert len({tuple(made[one]) for one in ids[10:]}) == 3  # all pairs of coders occur
    with project.store.together():
        for identity in ids:
            marked(project, identity, "ann", (10, 20))
            marked(project, identity, "bob", (12, 20), (60, 64))
    assert [(p["coder"], p["finished"]) for p in progress(project)] == [
        ("ann", 200), ("bob", 200), ("cid", 0),
    ]  # fmt: skip
    assert agreement(project, "ann", "bob")["pooled"]["tp"] == 200
    (pair,) = (r for r in table(project)["pairs"] if (r["a"], r["b"]) == ("ann", "bob"))
    assert (pair["units"], pair["fn"]) == (400, 200)
    assert pair["onset_bias_ms"] == pytest.approx(2000 / 30)
    assert make_consensus(project, [], least=None, again=False)["marks"] == 200
    assert make_consensus(project, [], least=1, again=True)["marks"] == 400
    assert len(project.review.state(ids[0], CONSENSUS)[1].marks) == 2
    assert all(one["finished"] == ["ann", "bob", CONSENSUS] for one in overview(project, {}))


def test_a_consensus_that_two_people_ask_for_at_once_is_made_once(project, monkeypatch):
    """The second one asks while the first one's marks are computed."""
    (identity,) = filled(project, 1)
    for who in ("ann", "bob"):
        marked(project, identity, who, (10, 20))
    compute, made = consensuses.consensus, []

    def meanwhile(*given):
        monkeypatch.undo()
        made.append(make_consensus(project, [], least=None, again=False))
        return compute(*given)

    monkeypatch.setattr(consensuses, "consensus", meanwhile)
    made.append(make_consensus(project, [], least=None, again=False))
    assert [(one["made"], one["kept"]) for one in made] == [(1, 0), (0, 1)]
    assert len(project.review.state(identity, CONSENSUS)[1].marks) == 1


def test_a_consensus_made_anew_is_finished_only_where_its_coders_are(project):
    (identity,) = filled(project, 1)
    for who in ("ann", "bob"):
        marked(project, identity, who, (10, 20))
    make_consensus(project, [], least=None, again=False)
    assert (identity, CONSENSUS) in project.store.study.finished()
    marked(project, identity, "cid", (10, 20), done=False)
    make_consensus(project, [], least=None, again=True)
    assert (identity, CONSENSUS) not in project.store.study.finished()


def test_a_consensus_knows_faces_by_their_keys(project):
    """Names of faces change; marks of the consensus follow, as those of people do."""
    (identity,) = filled(project, 1)
    stretch = {"id": "0-0", "first": 0, "last": FRAMES - 1}
    document = {"detections": [], "events": [], "gaps": [],
                "faces": [{"name": "face 1", "stretches": [stretch]}]}  # fmt: skip
    project.review.enter_analysis(identity, document, "none.npz")
    values = {"first": 10, "apex": None, "last": 20, "face": "0-0"}
    project.store.add_marks(
        identity, [(who, f"h{who}", values) for who in ("ann", "bob")], "add"
    )
    make_consensus(project, [], least=None, again=False)
    (mark,) = project.review.state(identity, CONSENSUS)[1].marks.values()
    assert mark.annotation.face == "0-0"
    wish = {"action": "name", "stretch": "0-0", "name": "Kim"}
    faces.changed(project.store.database, identity, document, wish)
    recording = project.recording(identity)
    (told,) = annotations_of(project, recording, CONSENSUS).marks
    assert told.face == "Kim"


def test_what_cannot_be_shared_out(project):
    ids = filled(project, 1)
    for coders, each, said in (
        (["ann"], 2, "1 to 1 coders"), ([CONSENSUS], 1, "made from"), (["model"], 1, "coder"),
    ):  # fmt: skip
        with pytest.raises(MescopeError, match=said):
            assign(project, ids, coders, each)
    with pytest.raises(MescopeError, match="two coders or more"):
        make_consensus(project, [], least=None, again=False)


def test_two_people_who_do_the_same_at_once_are_two_marks(project):
    """A file with equal marks of two faces adds both, and each only once."""
    (identity,) = filled(project, 1)
    marks = [
        ("ann", {"first": 10, "apex": None, "last": 20, "face": face})
        for face in ("0-0", "0-1")
    ]
    assert project.review.take_in(identity, FRAMES, marks) == (2, 0)
    assert project.review.take_in(identity, FRAMES, marks) == (0, 2)
    plain = [("ann", {"first": 10, "apex": None, "last": 20})]
    assert project.review.take_in(identity, FRAMES, plain) == (1, 0)
    assert project.review.take_in(identity, FRAMES, plain) == (0, 1)


def found_at(project, identity, *spans):
    """Enter an analysis that found these (onset, offset), apex in the middle."""
    every = [
        {"onset": a, "apex": (a + b) // 2, "offset": b, "score": 0.9, "emotion": None}
        for a, b in spans
    ]
    document = {"detections": every, "events": [], "gaps": [], "provenance": {"model": "m"}}
    project.review.enter_analysis(identity, document, "none.npz")
    return [mark.id for mark in project.review.detections(identity)]


def judged(project, identity, coder, action, mark, **values):
    revision = project.store.revision(identity)
    request = {"revision": revision, "coder": coder, "action": action, "mark": mark}
    return project.review.judge(identity, FRAMES, {**request, "values": values})


def test_a_file_of_two_who_judged_one_detection_adds_nothing(project):
    """Of all together only the last judgement counts; each has said it."""
    (identity,) = filled(project, 1)
    (mark,) = found_at(project, identity, (30, 40))
    for coder in ("ann", "bob"):
        judged(project, identity, coder, "confirm", mark)
    values = {"first": 30, "apex": 35, "last": 40}
    both = [(coder, values) for coder in ("ann", "bob")]
    assert project.review.take_in(identity, FRAMES, both) == (0, 2)


def test_what_only_an_earlier_analysis_found_is_not_the_models(project):
    """It stays for who judged it; rates, files and agreement count what the newest found."""
    (identity,) = filled(project, 1)
    recording = project.recording(identity)
    one, two = found_at(project, identity, (10, 20), (30, 40))
    judged(project, identity, "ann", "reject", one)
    judged(project, identity, "ann", "confirm", two)
    assert len(found_at(project, identity, (70, 80))) == 3
    assert project.store.detection_counts()[identity] == 1
    model = annotations_of(project, recording, "model").marks
    assert [mark.interval.first for mark in model] == [70]
    every = annotations_of(project, recording, None).marks
    assert [(m.origin, m.interval.first) for m in every] == [
        ("coder", 10), ("coder", 30), ("model", 70),
    ]  # fmt: skip
    assert row(rates(project, "model"), "all", "all", "micro")["number"] == 1
    judged(project, identity, "ann", "reset", one)
    assert project.review.state(identity)[1].marks[one].earlier
    found_at(project, identity, (30, 40))  # it is found again
    assert not project.review.state(identity)[1].marks[two].earlier


def test_a_consensus_made_anew_takes_back_what_it_confirmed(project):
    (identity,) = filled(project, 1)
    (mark,) = found_at(project, identity, (20, 30))
    marked(project, identity, "ann", (20, 30))
    marked(project, identity, "bob", (20, 30))
    judged(project, identity, CONSENSUS, "confirm", mark)
    for _ in range(2):
        make_consensus(project, [], least=None, again=True)
        held = annotations_of(project, project.recording(identity), CONSENSUS).marks
        assert [(m.interval.first, m.interval.last) for m in held] == [(20, 30)]


def test_rates_of_thousands_of_people_look_at_each_a_few_times():
    """Not once for every other one; counted, not timed."""
    looks = 0

    class Person(str):
        def __eq__(self, other):
            nonlocal looks
            looks += 1
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    people = [
        Measured(
            name=f"s{n}", person=Person(f"s{n}"), condition="ab"[n % 2], seconds=60.0,
            analyzed=False, numbers={"micro": 1, "macro": 0},
        )
        for n in range(300)
    ]  # fmt: skip
    assert len(_rows(people)) == 2 * (1 + 2 + 300)
    assert looks < 50 * len(people)


def test_who_finished_is_read_once_for_many_questions_and_never_too_late(project, monkeypatch):
    """A coder who codes blind asks it for every recording, several times."""
    ids, reads = filled(project, 30), []
    for identity in ids:
        marked(project, identity, "ann", (10, 20))
        marked(project, identity, "bob", (10, 20))
    tables, read = project.store.study, project.store.study._found_finished
    monkeypatch.setattr(tables, "_found_finished", lambda: reads.append(1) or read())
    token = VIEWER.set(Viewer("ann"))
    try:
        assert table(project)["pairs"][0]["recordings"] == 30
        assert len(reads) < 5
        project.store.add_event(ids[0], None, "bob", "reviewed", values={"reviewed": False})
        assert not project.store.sight.sees(ids[0], "bob")
        with suppress(KeyError), project.store.together():  # it is not kept in the end
            project.store.add_event(ids[1], None, "bob", "reviewed", values={"reviewed": False})
            assert not project.store.sight.sees(ids[1], "bob")
            raise KeyError
        assert project.store.sight.sees(ids[1], "bob")
        project.store.forget_recording(ids[1])
        assert (ids[1], "bob") not in tables.finished()
    finally:
        VIEWER.reset(token)


def test_a_disagreement_has_the_time_of_its_frame(project):
    """Where the rate varies no rate gives it."""
    (one,) = filled(project, 1)
    times = np.concatenate([np.arange(60) / RATE, 10 + np.arange(60) / RATE])
    project.times_file(one).write_bytes(times.astype("<f8").tobytes())
    marked(project, one, "ann", (90, 95))
    marked(project, one, "bob", (10, 20))
    found = agreement(project, "ann", "bob")["disagreements"]
    assert [row["seconds"] for row in found] == [10 / RATE, 11.0]


def test_a_report_says_that_rates_were_cut(project, monkeypatch):
    """Nobody takes the first rows for all."""
    from mescope.app import report_sections

    monkeypatch.setattr(report_sections, "_MOST_ROWS", 7)
    for identity in filled(project, 2):
        analyzed(project, identity, blinks=(9,))
    (shown,) = [s for s in report_sections.sections(project, "svg") if s.figure]
    assert len(shown.rows) == 7
    assert "the first 7 of 8 rates" in " ".join(shown.words)


def test_agreement_may_be_of_one_recording_alone(project):
    """The page of a recording asks for its own, however many there are."""
    one, two = filled(project, 2)
    for identity in (one, two):
        marked(project, identity, "ann", (10, 20))
        marked(project, identity, "bob", (40, 50))
    found = agreement(project, "ann", "bob", only=two)
    assert [row["recording"] for row in found["recordings"]] == [two]
    assert {row["id"] for row in found["disagreements"]} == {two}
