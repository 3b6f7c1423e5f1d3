"""Marks of other programs that count otherwise, hold several videos, or belong elsewhere."""

import json

import pytest
from late_video import write_late

HEAD = "subject,video,onset,offset,type\n"


def sent(served, identity, name, data, **params):
    return served.client.post(
        f"/api/recordings/{identity}/import", content=data, headers={"X-Name": name},
        params={"coder": "bea", **params},
    )  # fmt: skip


def spans(answer):
    assert answer.status_code == 200, answer.text
    return sorted((m["first"], m["last"]) for m in answer.json()["annotations"])


def project(*names, start=1.0, stop=1.3, **fields):
    rows = [[at, "0", "micro-expression", "", ""] for at in (start, stop)]
    return json.dumps({"observations": {
        f"of {name}": {"file": {"1": [name]}, "events": rows, "media_info": {}, **fields}
        for name in names
    }})  # fmt: skip


def test_the_observation_of_the_recording_is_taken(served, analyzed):
    data = project("other.mp4", "ANALYZED.avi".lower())
    answer = sent(served, analyzed, "p.boris", data)
    assert spans(answer) == [(30, 38)]
    assert any("not used: of other.mp4" in text for text in answer.json()["remarks"])


def test_of_others_it_is_asked_for_by_name(served, analyzed):
    data = project("one.mp4", "two.mp4")
    answer = sent(served, analyzed, "p.boris", data)
    assert answer.status_code == 400
    said = answer.json()["error"]
    assert "expected marks of analyzed.mp4, found those of one.mp4, two.mp4" in said
    assert "`part`" in said
    assert spans(sent(served, analyzed, "p.boris", data, part="of two.mp4")) == [(30, 38)]


def test_a_time_offset_is_applied(served, analyzed):
    data = project("analyzed.mp4", start=11.0, stop=11.3, **{"time offset": 10.0})
    assert spans(sent(served, analyzed, "p.boris", data)) == [(30, 38)]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("p.boris", project("analyzed.mp4", start=100.0, stop=100.3), "100.000 to 100.300 s"),
        ("p.boris", project("analyzed.mp4", start=3.0, stop=9.0), "3.000 to 9.000 s"),
        ("v.vtt", "WEBVTT\n\n01:40.000 --> 01:40.300\nmicro-expression\n", "100.000 to 100.3"),
        ("t.csv", HEAD + 's,analyzed.mp4,3,9,micro\ns,"analyzed.mp4,3,9,micro\n', "row 3"),
        ("t.csv", HEAD + "s,analyzed.mp4,9,3,micro\n", "found none (t.csv, row 2: left out"),
    ],
)  # fmt: skip
def test_what_does_not_fit_adds_nothing_and_says_where(served, analyzed, name, data, said):
    answer = sent(served, analyzed, name, data)
    assert answer.status_code == 400
    assert said in answer.json()["error"]
    assert served.client.get(f"/api/recordings/{analyzed}/marks").json()["annotations"] == []


def test_a_late_recording_is_coded_where_players_show_it(served):
    """What ELAN would show at 1.523 s is frame 30 of a recording that begins at 0.523."""
    write_late(served.folder / "late.mkv", 0.523, sound=True)
    identity = served.known("late.mkv")
    subtitles = "WEBVTT\n\n00:01.523 --> 00:01.823\nmicro-expression\n"
    assert spans(sent(served, identity, "v.vtt", subtitles)) == [(30, 38)]
    params = {"format": "vtt", "who": "bea"}
    written = served.client.get(f"/api/recordings/{identity}/export", params=params).text
    assert "00:00:01.523 --> 00:00:01.823" in written
    review = served.client.get(f"/api/recordings/{identity}/export", params={"format": "json"})
    assert review.json()["video"]["start_offset"] == pytest.approx(0.523)


def test_recordings_of_earlier_projects_are_looked_at_again(served, numbers):
    """They do not know when players show their first frame."""
    from dataclasses import replace

    kept = served.project.recording(numbers)
    served.project.store.change_recording(numbers, facts=replace(kept.facts, start_offset=None))
    assert [r.id for r in served.project.unseen()] == [numbers]
    served.client.post("/api/recordings/rescan")
    found = served.wait("numbers.mp4", lambda _: not served.project.unseen())
    assert found["id"] == numbers
    assert served.project.recording(numbers).start_offset == 0.0
