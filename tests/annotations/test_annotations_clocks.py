"""Files whose seconds are not those of the recording's first frame, and files of several."""

import json
from dataclasses import replace

import pytest
from marks_made_up import mark, sheet

from mescope.annotations import Clock, dumps, read, timed, write
from mescope.errors import DatasetError

RATE = 30.0
TIMES = [i / RATE for i in range(240)]  # 8 s
BASE = Clock(RATE, TIMES, video="base.mp4")
LATE = Clock(RATE, TIMES, start_offset=0.523, video="base.mp4")


def put(folder, name, text):
    path = folder / name
    path.write_text(text)
    return path


def frames(contents):
    return [(m.interval.first, m.interval.last) for one in contents.sets for m in one.marks]


# -- ELAN --------------------------------------------------------------------------------


MEDIA = '<MEDIA_DESCRIPTOR MEDIA_URL="file:///C:/x/{0}" RELATIVE_MEDIA_URL="./{0}" {1}/>'


def eaf(folder, *spans, units="milliseconds", media=(("base.mp4", ""),), tiers=None):
    """Write what a coder made in ELAN: one interval a pair of times."""
    values = [value for span in spans for value in span]
    slots = "".join(
        f'<TIME_SLOT TIME_SLOT_ID="ts{i}"' + ("/>" if v is None else f' TIME_VALUE="{v}"/>')
        for i, v in enumerate(values)
    )
    made = "".join(
        f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a{i}" TIME_SLOT_REF1="ts{2 * i}" '
        f'TIME_SLOT_REF2="ts{2 * i + 1}"><ANNOTATION_VALUE>micro-expression</ANNOTATION_VALUE>'
        "</ALIGNABLE_ANNOTATION></ANNOTATION>"
        for i in range(len(spans))
    )
    tiers = tiers or '<TIER TIER_ID="ME@0#anna">{}</TIER>'
    files = "".join(
        MEDIA.format(name, f'TIME_ORIGIN="{origin}"' if origin != "" else "")
        for name, origin in media
    )
    return put(folder, "a.eaf", (
        f'<ANNOTATION_DOCUMENT FORMAT="3.0"><HEADER TIME_UNITS="{units}">{files}</HEADER>'
        f"<TIME_ORDER>{slots}</TIME_ORDER>{tiers.format(made)}</ANNOTATION_DOCUMENT>"
    ))  # fmt: skip


@pytest.mark.parametrize(
    ("origin", "found"), [("", (30, 38)), (0, (30, 38)), (2000, (90, 98)), (-500, (15, 23))]
)
def test_the_origin_of_a_video_is_applied(tmp_path, origin, found):
    """What stands at t of ELAN's time line shows t + TIME_ORIGIN of the video."""
    path = eaf(tmp_path, (1000, 1300), media=[("base.mp4", origin)])
    assert frames(read(path, clock=BASE)) == [found]
    assert frames(read(path, clock=Clock(RATE))) == [found]


@pytest.mark.parametrize(
    ("units", "ends", "found"),
    [
        ("PAL-frames", (25, 33), (30, 38)),  # 1.00 to 1.32 s, 0.4 of a frame before the next
        ("NTSC-frames", (30, 39), (30, 38)),  # 1.001 to 1.3013 s
        ("PAL-frames", (100, 101), (120, 120)),
    ],
)
def test_times_in_frames_are_converted(tmp_path, units, ends, found):
    contents = read(eaf(tmp_path, ends, units=units), clock=BASE)
    assert frames(contents) == [found]


@pytest.mark.parametrize("units", ["seconds", "ms", "FILM-frames", ""])
def test_times_in_unknown_units_are_refused(tmp_path, units):
    with pytest.raises(DatasetError, match=r"a\.eaf: expected times in milliseconds, PAL"):
        read(eaf(tmp_path, (1000, 1300), units=units), clock=BASE)


@pytest.mark.parametrize("origin", ["x", "1.5", "9" * 15])
def test_an_origin_that_is_none_is_refused(tmp_path, origin):
    with pytest.raises(DatasetError, match="the origin in whole ms"):
        read(eaf(tmp_path, (1000, 1300), media=[("base.mp4", origin)]), clock=BASE)


def test_of_several_videos_the_one_of_the_recording_counts(tmp_path):
    """Two cameras, of which one began 2 s earlier."""
    path = eaf(tmp_path, (1000, 1300), media=[("left.mp4", ""), ("base.mp4", 2000)])
    assert frames(read(path, clock=BASE)) == [(90, 98)]
    assert frames(read(path, clock=replace(BASE, video="LEFT.MP4"))) == [(30, 38)]
    assert frames(read(path, clock=Clock(RATE))) == [(30, 38)]  # the first
    with pytest.raises(DatasetError, match=r"left\.mp4, base\.mp4 at different origins"):
        read(path, clock=replace(BASE, video="c.mp4"))
    assert frames(read(path, clock=replace(BASE, video="c.mp4"), part="base")) == [(90, 98)]
    alike = eaf(tmp_path, (1000, 1300), media=[("left.mp4", 10), ("base.mp4", 10)])
    assert frames(read(alike, clock=replace(BASE, video="c.mp4"))) == [(30, 38)]


ALIGNED = '<TIER TIER_ID="phrases">{}</TIER>'
REFER = (
    '<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="r{0}" ANNOTATION_REF="{1}">'
    "<ANNOTATION_VALUE>micro-expression</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>"
)


def test_a_tier_of_references_has_the_times_of_what_it_refers_to(tmp_path):
    """A symbolic association, over one tier between; nothing is lost without a word."""
    between = f'<TIER TIER_ID="words" PARENT_REF="phrases">{REFER.format(1, "a0")}</TIER>'
    own = f'<TIER TIER_ID="ME@0#anna" PARENT_REF="words">{REFER.format(2, "r1")}</TIER>'
    path = eaf(tmp_path, (1000, 1300), tiers=ALIGNED + between + own)
    assert frames(read(path, clock=BASE)) == [(30, 38)]


def test_parts_of_a_subdivision_have_no_times_and_are_told(tmp_path):
    parts = REFER.format(1, "a0") + REFER.format(2, "a0")
    own = (
        f'<TIER TIER_ID="ME@0#anna" PARENT_REF="phrases">{parts}{REFER.format(3, "a1")}</TIER>'
    )
    path = eaf(tmp_path, (1000, 1300), (2000, 2300), tiers=ALIGNED + own)
    contents = read(path, clock=BASE)
    assert frames(contents) == [(60, 68)]
    assert contents.lost == 2
    assert "ME@0#anna, r1: left out, it shares the time of its parent" in contents.remarks[0]


@pytest.mark.parametrize("parent", ["r1", "gone"])
def test_references_in_a_circle_or_to_nothing_are_told(tmp_path, parent):
    own = f'<TIER TIER_ID="ME@0#anna">{REFER.format(1, parent)}{{}}</TIER>'
    contents = read(eaf(tmp_path, (1000, 1300), tiers=own), clock=BASE)
    assert (frames(contents), contents.lost) == ([(30, 38)], 1)


def test_a_slot_without_a_time_costs_its_interval_alone(tmp_path):
    contents = read(eaf(tmp_path, (1000, None), (2000, 2300)), clock=BASE)
    assert (frames(contents), contents.lost) == ([(60, 68)], 1)


@pytest.mark.parametrize(
    "ends", [(100_000, 100_300), (7_900, 8_500), (8_000, 8_040), (100, 60_000)]
)
def test_marks_past_the_end_are_refused_with_their_times(tmp_path, ends):
    """Not moved to the last frame; the whole file, since it belongs to something else."""
    path = eaf(tmp_path, (1000, 1300), ends)
    with pytest.raises(DatasetError) as caught:
        read(path, clock=BASE)
    assert f"{ends[0] / 1000:.3f} to {ends[1] / 1000:.3f} s" in str(caught.value)
    assert "shown from 0.000 to 8.000 s" in str(caught.value)
    assert "ME@0#anna, a1" in str(caught.value)


def test_marks_before_the_first_frame_are_refused(tmp_path):
    """An origin, or a first frame that is late."""
    with pytest.raises(DatasetError, match=r"-1\.000 to -0\.700 s"):
        read(eaf(tmp_path, (1000, 1300), media=[("base.mp4", -2000)]), clock=BASE)
    with pytest.raises(DatasetError, match=r"0\.100 to 0\.400 s, but .* from 0\.523 to 8\.523"):
        read(eaf(tmp_path, (100, 400)), clock=LATE)


def test_many_marks_outside_are_counted(tmp_path):
    spans = [(100_000 + i, 100_300 + i) for i in range(7)]
    with pytest.raises(DatasetError, match=r"a2: .*\(and 4 more\)"):
        read(eaf(tmp_path, *spans), clock=BASE)


def test_the_last_frame_may_be_marked_to_its_end(tmp_path):
    """Programs round it, some to the next frame."""
    for end in (7_990, 8_000, 8_033):
        assert frames(read(eaf(tmp_path, (7900, end)), clock=BASE)) == [(237, 239)]


# -- BORIS -------------------------------------------------------------------------------


def rows(start=1.0, stop=1.3, subject="anna", code="micro-expression", modifier=""):
    return [[start, subject, code, modifier, "", 0], [stop, subject, code, modifier, "", 0]]


def observation(*files, events=None, offset=0.0, fps=30.0, **fields):
    return {
        "file": {"1": [f"films/{name}" for name in files], "2": []}, "type": "MEDIA",
        "time offset": offset, "events": rows() if events is None else events,
        "media_info": {
            "length": {f"films/{name}": 8.0 for name in files},
            "fps": {f"films/{name}": fps for name in files}, "offset": {"1": 0.0},
        },
        **fields,
    }  # fmt: skip


def boris(folder, behaviours=None, **observations):
    kinds = {"0": {"type": "State event", "code": "micro-expression"}}
    project = {"behaviors_conf": behaviours or kinds, "observations": observations}
    return put(folder, "a.boris", json.dumps(project))


@pytest.mark.parametrize("offset", [0.5, -0.25, 3600.0, -3600.0])
def test_the_time_offset_of_an_observation_is_applied(tmp_path, offset):
    """BORIS adds it to every time that it writes."""
    events = rows(1.0 + offset, 1.3 + offset)
    path = boris(tmp_path, one=observation("base.mp4", events=events, offset=offset))
    assert frames(read(path, clock=BASE)) == [(30, 38)]
    assert frames(read(path)) == [(30, 38)]


def test_times_from_when_the_media_was_made(tmp_path):
    made = 1_700_000_000.0
    one = observation("base.mp4", events=rows(made + 1.5, made + 1.8), offset=0.5,
                      media_creation_date_as_offset=True)  # fmt: skip
    path = boris(tmp_path, one=one)
    contents = read(path, clock=BASE)
    assert (frames(contents), contents.lost) == ([], 1)
    assert "does not say when" in contents.remarks[0]
    one["media_info"]["media_creation_time"] = {"films/base.mp4": made}
    assert frames(read(boris(tmp_path, one=one), clock=BASE)) == [(30, 38)]


@pytest.mark.parametrize("offset", [0.0, 10.0, -4.0])
def test_files_played_one_after_the_other(tmp_path, offset):
    """Each has its own times; with a recording named, only its own marks are read."""
    late = rows(9.0 + offset, 9.3 + offset)
    one = observation("a.mp4", "base.mp4", offset=offset,
                      events=[*rows(2.0 + offset, 2.3 + offset), *late])  # fmt: skip
    path = boris(tmp_path, one=one)
    assert frames(read(path)) == [(60, 68), (30, 38)]
    assert frames(read(path, clock=BASE)) == [(30, 38)]
    contents = read(path, clock=replace(BASE, video="c.mp4"))
    assert "none is called c.mp4" in contents.remarks[0]
    assert contents.lost == 2


def test_an_event_past_the_end_is_refused_with_its_times(tmp_path):
    path = boris(tmp_path, one=observation("base.mp4", events=rows(100.0, 100.3)))
    with pytest.raises(DatasetError, match=r"one, event 1: 100\.000 to 100\.300 s"):
        read(path, clock=BASE)
    early = boris(tmp_path, one=observation("base.mp4", events=rows(), offset=5.0))
    with pytest.raises(DatasetError, match=r"-4\.000 to -3\.700 s"):
        read(early, clock=BASE)


def test_nan_costs_its_own_observation_or_event_alone(tmp_path):
    """Observations of single pictures have no times; BORIS writes NaN for them."""
    pictures = observation(type="IMAGES", directories_list=["p"], events=rows(
        float("nan"), float("nan")
    ))  # fmt: skip
    odd = observation("base.mp4", events=[*rows(), *rows(float("nan"), 2.0, subject="bea")])
    path = boris(tmp_path, pictures=pictures, odd=odd)
    assert "NaN" in path.read_text()
    contents = read(path, clock=BASE)
    assert frames(contents) == [(30, 38)]
    told = " | ".join(contents.remarks)
    assert "pictures: left out, it is of single pictures" in told
    assert "odd, event 3: left out, expected a number as the time, found nan" in told
    for offset in (float("nan"), float("inf"), "1:00"):
        path = boris(tmp_path, bad=observation("base.mp4", offset=offset),
                     good=observation("base.mp4"))  # fmt: skip
        contents = read(path, clock=BASE)
        assert frames(contents) == [(30, 38)]
        assert "bad: left out, expected a number as the time offset" in contents.remarks[0]


def test_live_observations_belong_to_no_recording(tmp_path):
    live = observation(type="LIVE", file={})
    contents = read(boris(tmp_path, live=live, one=observation("base.mp4")))
    assert frames(contents) == [(30, 38)]
    assert "live: left out, it was coded live" in contents.remarks[0]
    assert contents.lost == 1


def test_point_events_have_no_end(tmp_path):
    """Two of them are not one interval."""
    kinds = {"0": {"type": "Point event", "code": "micro-expression"}}
    contents = read(boris(tmp_path, kinds, one=observation("base.mp4")), clock=BASE)
    assert (frames(contents), contents.lost) == ([], 2)
    assert "event 1: left out, micro-expression is a point event" in contents.remarks[0]


def test_where_a_stop_is_missing_no_pair_is_guessed(tmp_path):
    """The start of the second would be the stop of the first."""
    events = [rows()[0], *rows(2.0, 2.3), *rows(3.0, 3.3, subject="bea")]
    contents = read(boris(tmp_path, one=observation("base.mp4", events=events)), clock=BASE)
    assert frames(contents) == [(90, 98)]
    assert (
        "a start or stop of micro-expression is missing among events 1, 2, 3"
        in (contents.remarks[0])
    )


def test_the_observation_of_the_recording_is_chosen(tmp_path):
    path = boris(
        tmp_path,
        obs1=observation("base.mp4"),
        obs2=observation("other.mp4", events=rows(100.0, 100.3)),
    )
    contents = read(path, clock=BASE)
    assert frames(contents) == [(30, 38)]
    assert "not used: obs2" in contents.remarks[0]
    assert [one.video for one in read(path).sets] == ["base.mp4", "other.mp4"]
    for name in ("obs1", "base.mp4", "base"):
        assert frames(read(path, clock=replace(BASE, video="c.mp4"), part=name)) == [(30, 38)]
        assert frames(read(path, part=name)) == [(30, 38)]
    for ask in ({}, {"part": "obs3"}):
        with pytest.raises(DatasetError, match=r"found those of.*name one of them with --part"):
            read(path, clock=replace(BASE, video="c.mp4"), **ask)


@pytest.mark.parametrize(
    ("kept", "recording"),
    [
        ("C:\\films\\base.MP4", "base.mp4"), ("BASE.avi", "base.mp4"),
        ("Zoe\u0308 1.mov", "Zo\u00eb 1.mp4"), ("15_0101", "15_0101.avi"),
    ],
)  # fmt: skip
def test_names_of_other_systems_are_known(tmp_path, kept, recording):
    one = observation("x.mp4") | {"file": {"1": [kept]}}
    path = boris(tmp_path, a=observation("other.mp4"), b=one)
    assert [s.part for s in read(path, clock=replace(BASE, video=recording)).sets] == ["b"]


def test_a_rate_that_is_none_is_not_needed_where_the_recording_is(tmp_path):
    path = boris(tmp_path, a=observation("base.mp4", fps=float("nan")))
    assert frames(read(path, clock=BASE)) == [(30, 38)]
    assert "no frame rate; name --video or --rate" in read(path).remarks[0]


def test_the_only_observation_is_that_of_a_renamed_recording(tmp_path):
    path = boris(tmp_path, obs1=observation("before.mp4"))
    assert frames(read(path, clock=BASE)) == [(30, 38)]


def test_observations_of_one_recording_are_those_of_several_people(tmp_path):
    path = boris(
        tmp_path, anna=observation("base.mp4", events=rows(subject="0")),
        bea=observation("base.mp4", events=rows(1.1, 1.4, subject="0")),
    )  # fmt: skip
    (one,) = read(path, clock=BASE).sets
    assert [(m.source, m.interval.first) for m in one.marks] == [("anna", 30), ("bea", 33)]
    assert len(read(path, part="bea").sets[0].marks) == 1


# -- several videos in other formats, and late starts --------------------------------------


@pytest.mark.parametrize("ending", ["csv", "activitynet.json"])
def test_the_video_of_the_recording_is_chosen_in_every_format(tmp_path, ending):
    path = write(
        [sheet(mark(3, 9), video="a.mp4"), sheet(mark(30, 38), video="BASE.mov"),
         sheet(video="c.mp4")],
        tmp_path / f"t.{ending}",
    )  # fmt: skip
    clock = replace(BASE, video="/films/BASE.mp4")
    contents = read(path, clock=clock)
    assert frames(contents) == [(30, 38)]
    assert frames(read(path, clock=replace(clock, video="c.avi"))) == []
    assert frames(read(path, part="a")) == [(3, 9)]
    with pytest.raises(DatasetError, match=r"expected marks of d\.mp4, found those of"):
        read(path, clock=replace(clock, video="d.mp4"))


def test_activitynet_of_others_is_read_for_the_recording_alone(tmp_path):
    """Its other videos may be longer."""
    results = {
        "base": [{"label": "micro-expression", "segment": [1.0, 1.3]}],
        "long": [{"label": "micro-expression", "segment": [100.0, 100.3]}],
    }
    path = put(tmp_path, "a.json", json.dumps({"results": results}))
    assert frames(read(path, clock=BASE)) == [(30, 38)]
    with pytest.raises(DatasetError, match=r"long, result 1: 100\.000 to 100\.300 s"):
        read(path, clock=BASE, part="long")


@pytest.mark.parametrize("ending", ["eaf", "boris", "vtt"])
def test_what_players_show_is_what_is_written_and_read(tmp_path, ending):
    """Frame 30 is shown at 1.523 s; a person sets a mark there, and it is of frame 30."""
    made = timed(sheet(mark(30, 38, apex=33, source="anna"), video="base.mp4"), LATE)
    path = write([made], tmp_path / f"a.{ending}")
    text = path.read_text()
    assert any(at in text for at in ('"1523"', "1.523,", "00:00:01.523"))
    for clock in (None, LATE):
        contents = read(path, clock=clock)
        assert (frames(contents), contents.remarks) == ([(30, 38)], ())
        assert contents.sets[0].marks[0].apex == 33
        assert contents.sets[0].marks[0].onset_s == 1.0
        assert contents.sets[0].start_offset == 0.523


def test_marks_set_in_a_player_are_of_the_pictures_it_shows(tmp_path):
    by_hand = eaf(tmp_path, (1523, 1823))
    assert frames(read(by_hand, clock=LATE)) == [(30, 38)]
    subtitles = "WEBVTT\n\n00:01.523 --> 00:01.823\nmicro-expression\n"
    assert frames(read(put(tmp_path, "a.vtt", subtitles), clock=LATE)) == [(30, 38)]
    project = boris(tmp_path, one=observation("base.mp4", events=rows(1.523, 1.823)))
    assert frames(read(project, clock=LATE)) == [(30, 38)]
    assert read(project, clock=LATE).sets[0].marks[0].onset_s == pytest.approx(1.0)


def test_a_mark_that_is_moved_in_a_player_is_read_there(tmp_path):
    made = timed(sheet(mark(30, 38), video="base.mp4"), LATE)
    for form, old, new in (
        ("vtt", "00:00:01.523", "00:00:01.623"), ("elan", '"1523"', '"1623"'),
        ("boris", "1.523,", "1.623,"),
    ):  # fmt: skip
        suffix = {"elan": "eaf"}.get(form, form)
        text = dumps([made], form).decode().replace(old, new)
        for clock in (None, LATE):
            contents = read(put(tmp_path, f"a.{suffix}", text), clock=clock)
            assert frames(contents) == [(33, 38)]
            assert "moved from frames 30-38 to 33-38" in contents.remarks[0]


def test_files_that_do_not_say_when_the_first_frame_is_shown(tmp_path):
    """As version 0.1.0 wrote them: unmoved marks keep their frames, others are refused."""
    old = timed(sheet(mark(30, 38), video="base.mp4"), BASE)
    text = dumps([replace(old, start_offset=None)], "vtt").decode()
    assert frames(read(put(tmp_path, "a.vtt", text), clock=LATE)) == [(30, 38)]
    moved = text.replace("00:00:01.000", "00:00:01.200")
    with pytest.raises(DatasetError, match=r"shown at 0\.523 s; write the file anew"):
        read(put(tmp_path, "a.vtt", moved), clock=LATE)


def test_activitynet_counts_from_the_first_frame(tmp_path):
    """Its scorers count decoded frames."""
    made = timed(sheet(mark(30, 38), video="base.mp4"), LATE)
    document = json.loads(dumps([made], "activitynet"))
    (entry,) = document["results"]["base.mp4"]
    assert entry["segment"] == [1.0, 1.3]


def test_boris_counts_as_mpv_does(tmp_path):
    """Nothing of the file begins before 0.5 s, which mpv shows as 0:00."""
    clock = replace(LATE, mpv_zero=0.5)
    made = timed(sheet(mark(30, 38, apex=33), video="base.mp4"), clock)
    text = dumps([made], "boris").decode()
    (observation,) = json.loads(text)["observations"].values()
    assert observation["time offset"] == 0.5
    assert observation["events"][0][0] == 1.523  # 1.023 of mpv
    for known in (None, clock):
        contents = read(put(tmp_path, "a.boris", text), clock=known)
        assert (frames(contents), contents.remarks) == ([(30, 38)], ())
    by_hand = boris(tmp_path, one=observation_of_mpv(1.023))
    assert frames(read(by_hand, clock=clock)) == [(30, 38)]
    passed_on = write(read(put(tmp_path, "b.boris", text)).sets, tmp_path / "c.eaf")
    assert json.loads(dumps(read(passed_on).sets, "boris")) == json.loads(text)


def observation_of_mpv(start):
    return observation("base.mp4", events=rows(start, start + 0.3))


@pytest.mark.parametrize(
    ("said", "emotion"),
    [
        ("micro-expression - happiness", "happiness"),
        ("micro-expression \u2013 fear (unsure)", "fear"),
        ("micro-expression: disgust", "disgust"),
        ("micro-expression (anger)", "anger"),
        ("Micro-expression \u00b7 surprise \u00b7 AU 1+2", "surprise"),
        ("micro-expression \u00b7 AU 4", None),
        ("micro-expression \u00b7 score 0.50", None),
        ("micro-expression", None),
    ],
)
def test_cues_of_others_keep_their_emotion(said, emotion, tmp_path):
    path = tmp_path / "c.vtt"
    path.write_text(f"WEBVTT\n\n00:01.000 --> 00:01.300\n{said}\n", encoding="utf-8")
    (one,) = read(path, clock=Clock(RATE)).sets
    (made,) = one.marks
    assert (made.kind, made.emotion) == ("micro", emotion)


def test_subrip_is_refused_with_what_to_do(tmp_path):
    path = tmp_path / "c.srt"
    path.write_text("1\n00:00:01,000 --> 00:00:01,300\nmicro-expression\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"c\.srt: SubRip is not read; make it WebVTT"):
        read(path)
