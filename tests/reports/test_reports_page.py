"""The HTML page: safe, self-contained, complete."""

import dataclasses
import itertools
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from made_up_analysis import enrich, make_analysis, make_full

from mescope.analysis import Gap, RegionMotion
from mescope.events import Interval
from mescope.reports.face_arrows import arrows_worth_drawing, data_uri, factor
from mescope.reports.html import render
from mescope.reports.plots import decimate, rows, runs, timeline

VOID = {"meta", "img", "input", "br", "link", "source"}


class Page(HTMLParser):
    """Collect elements, links and text; complain about tags that do not match."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.ids, self.words, self.open = [], [], [], [], []
        self.handlers = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for key, value in attrs:
            if key in ("src", "href", "xlink:href", "action", "poster", "srcset"):
                self.links.append(value)
            if key == "id":
                self.ids.append(value)
            if key.startswith("on"):
                self.handlers.append(key)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module")
def text():
    return render(make_analysis())


def test_the_page_loads_and_runs_nothing(text):
    page = Page(text)
    assert "script" not in page.tags
    assert page.handlers == []
    assert all(link.startswith(("data:image/jpeg;base64,", "#")) for link in page.links)
    style = re.search(r"<style>(.*?)</style>", text, re.S).group(1)
    assert "url(" not in style
    assert "@import" not in style
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text).group(1)
    assert "default-src 'none'" in policy
    assert "script-src" not in policy


def test_ids_are_unique_and_every_link_has_its_target(text):
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    assert {link[1:] for link in page.links if link.startswith("#")} == {"d1", "d2", "d3"}
    assert {"d1", "d2", "d3"} <= set(page.ids)


def test_the_page_says_what_was_found(text):
    words = re.sub(r"\s+", " ", " ".join(Page(text).words))
    assert "2 micro-expressions and 1 macro-expression in 2 min 4 s" in words
    for said in (
        "interview 07.mp4",
        "0:18.200",
        "300 ms",
        "frame 546",
        "learned from simulated faces",
        "no face seen for 5.0 s in 1 stretch",
        "no picture of this frame",
        "the right inner brow moved up by 2.4 px",
        "me-tst-plus-small",
        "torch",
        "bad packets",
        "Not for detecting lies",
    ):
        assert said in words, said


def test_one_arrow_factor_is_told_and_drawn(text):
    told = {int(n) for n in re.findall(r"arrows (\d+) × as long", text)}
    drawn = {int(n) for n in re.findall(r"arrows (\d+) times as long", text)}
    assert told == drawn


SCRIPT = re.compile(r"<script>(.*?)</script>", re.S)


def test_the_only_script_is_ours_and_its_hash_stands_in_the_policy():
    import base64
    import hashlib

    text = render(make_full(pictures=False))
    (script,) = SCRIPT.findall(text)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text).group(1)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy
    assert policy.count("script-src") == 1
    for forbidden in ("innerHTML", "eval", "fetch", "import(", "document.write"):
        assert forbidden not in script


def test_candidates_wait_below_the_floor_and_explained_ones_are_never_expressions():
    full = make_full(pictures=False)
    text = render(full)
    for finding in full.candidates:
        card = re.search(
            rf'<article class="([^"]+)" id="{finding.id}".*?</article>', text, re.S
        )
        assert card.group(1) == (
            "card candidate explained" if finding.explained_by else "card candidate below"
        )
        assert ("-expression" in card.group(0)) == (finding.explained_by is None)
        assert ("Mostly a blink" in card.group(0)) == (finding.explained_by == "blink")
    assert '<article class="card " id="d1"' in text


def test_every_card_says_how_to_tell_that_it_is_wrong_and_shows_a_loop():
    full = make_full()
    text = render(full)
    for finding in full.findings:
        card = re.search(rf'<article class="card " id="{finding.id}".*?</article>', text, re.S)
        assert "How to tell that it is wrong" in card.group(0)
        assert "Are the eyes shut?" in card.group(0)
        assert card.group(0).count("data:image/webp;base64,") == 1
        assert "(prefers-reduced-motion: reduce)" in card.group(0)


def test_events_have_rates_of_the_time_that_could_be_judged():
    full = make_full(pictures=False)
    words = re.sub(r"\s+", " ", " ".join(Page(render(full)).words))
    blinks = sum(event.kind == "blink" for event in full.events)
    (gap,) = full.gaps
    minutes = (124 - (gap.end_s - gap.start_s + 1 / 30)) / 60
    hidden = sum(
        event.kind == "blink"
        and gap.interval.first <= event.interval.first <= gap.interval.last
        for event in full.events
    )
    assert hidden
    assert f"blinks (AU 45) {blinks} {(blinks - hidden) / minutes:.1f}" in words
    assert "Could not be judged: 5.0 s" in words
    assert "of which 5.0 s could not be judged" in words


def without_face():
    analysis = make_analysis(duration=3.9, planted=(), gaps=False)
    traces = analysis.traces
    nowhere = np.full(len(traces.times), np.nan)
    analysis.traces = dataclasses.replace(
        traces,
        valid=np.zeros(len(nowhere), bool),
        spotting=nowhere,
        emotion=np.full(traces.emotion.shape, np.nan),
    )
    return analysis


def test_a_recording_without_a_face_is_not_called_free_of_expressions():
    text = render(without_face())
    words = re.sub(r"\s+", " ", " ".join(Page(text).words))
    assert "Nothing could be judged in 3.9 s" in words
    for untrue in (
        "No expressions",
        "The model looked at",
        "stood out",
        "pictures of a person",
    ):
        assert untrue not in words, untrue


def test_pictures_are_announced_where_there_are_some():
    announced = "This page contains pictures of a person"
    assert announced in render(make_analysis())
    assert announced not in render(make_analysis(pictures=False))


def test_nothing_found_names_the_strongest_candidate_that_no_event_explains():
    analysis = enrich(make_analysis(planted=()), candidates=4)
    words = re.sub(r"\s+", " ", " ".join(Page(render(analysis)).words))
    assert "No expressions were found" in words
    best = max(
        (f for f in analysis.candidates if not f.explained_by), key=lambda f: f.detection.score
    )
    assert re.search(
        rf"is {best.id} at .* score of {best.detection.score:.2f} where 0.50", words
    )
    assert "the face that was followed" in words


def test_what_events_explain_is_not_said_to_be_below_the_floor():
    """Talking through: the score is high all along, and nothing waits below the usual mark."""
    analysis = enrich(make_analysis(planted=()), candidates=0, explained=4)
    assert all(f.detection.score > analysis.floor for f in analysis.candidates)
    text = render(analysis)
    words = re.sub(r"\s+", " ", " ".join(Page(text).words))
    assert "nothing reached the floor" not in words
    assert "explains what reached the floor that was chosen for it" in words
    assert "0 fainter" not in words
    assert 'id="floor"' not in text


def test_five_hundred_candidates_stay_a_page():
    analysis = enrich(make_analysis(duration=3600), candidates=500, explained=60)
    text = render(analysis)
    assert text.count("<article") == 563
    assert len(text) < 12_000_000
    assert text.count("No pictures: only the 12 strongest") == 560 - 12


def test_many_blinks_on_one_spot_are_drawn_as_one():
    analysis = enrich(make_analysis(duration=36_000, rate=10, pictures=False), pictures=False)
    blinks = sum(event.kind == "blink" for event in analysis.events)
    assert blinks > 9000
    assert timeline(analysis, width=940, name="w").count('class="event blink"') < 4000


def test_the_second_trace_is_drawn_where_there_is_one():
    assert 'class="movement-score"' in timeline(make_full(), width=940, name="w")
    assert 'class="movement-score"' not in timeline(make_analysis(), width=940, name="w")


def test_emotions_are_as_high_as_the_score():
    """A class takes all of the probability also where nothing happens; that is not shown."""
    analysis = make_analysis(duration=20, planted=(), gaps=False)
    traces = analysis.traces
    analysis.traces = dataclasses.replace(
        traces, spotting=np.zeros(len(traces.times)),
        emotion=np.tile([1.0, 0, 0, 0, 0], (len(traces.times), 1)),
    )  # fmt: skip
    drawing = timeline(analysis, width=940, name="w")
    band = re.search(r'class="band negative" d="([^"]+)"', drawing).group(1)
    heights = {y for _, y in re.findall(r"([\d.]+) ([\d.]+)", band)}
    assert len(heights) == 1


def test_nothing_found_is_said_kindly():
    page = render(make_analysis(planted=(), gaps=False))
    assert "Nothing was found" in page
    assert "The model looked at 2 min 4 s" in page
    assert '<article class="card"' not in page


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "\u202egpj.exe",
    "{{ 7 * 7 }}",
    "]]><svg onload=alert(1)>",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_text(name):
    """Names, warnings, reasons and parameters are shown, never obeyed."""
    analysis = make_analysis(name=name)
    analysis.warnings = (name,)
    analysis.provenance["model"] = name
    analysis.provenance["parameters"] = {name: name}
    analysis.gaps = tuple(type(g)(**{**vars(g), "reason": name}) for g in analysis.gaps)
    page = Page(render(analysis))
    assert "script" not in page.tags
    assert page.handlers == []
    whole = Page(render(enrich(analysis, pictures=False)))
    assert whole.tags.count("script") == 1
    assert whole.handlers == []
    assert sum(name in words for words in page.words) >= 4


def test_a_name_of_a_megabyte_does_not_break_the_page():
    assert len(render(make_analysis(name="x" * 1_000_000, planted=()))) < 20_000_000


def test_decimate_keeps_every_peak_of_a_long_recording():
    rng = np.random.default_rng(0)
    x = np.arange(100_000) / 30
    y = rng.uniform(0, 0.2, len(x))
    peaks = rng.choice(len(x), 20, replace=False)
    y[peaks] = 0.9
    kept_x, kept_y = decimate(x, y, 600)
    assert len(kept_x) <= 1200
    assert (np.diff(kept_x) > 0).all()
    bins = np.minimum(((x[peaks] - x[0]) / (x[-1] - x[0]) * 600).astype(int), 599)
    assert (kept_y == 0.9).sum() == len(set(bins))


@pytest.mark.parametrize("duration", [0.0, 0.03, 2.4, 45, 46, 61, 124, 599.9, 3600, 36_000.5])
@pytest.mark.parametrize("most", [6, 10])
def test_rows_cover_the_recording_without_holes(duration, most):
    parts = rows(duration, max_rows=most)
    assert parts[0][0] == 0
    assert parts[-1][1] >= duration - 1e-6
    assert len(parts) <= most + 1
    assert all(a[1] == pytest.approx(b[0]) for a, b in itertools.pairwise(parts))


def test_runs_are_the_true_stretches():
    valid = np.array([1, 1, 0, 0, 1, 0, 1], dtype=bool)
    assert [(s.start, s.stop) for s in runs(valid)] == [(0, 2), (4, 5), (6, 7)]


def test_a_ten_hour_recording_with_many_detections_stays_small():
    """The drawing does not grow with the recording."""
    planted = tuple((10 + 35 * i, 0.3, "surprise") for i in range(1000))
    analysis = make_analysis(duration=36_000, rate=10, planted=planted[:300], pictures=False)
    assert len(timeline(analysis, width=940, name="w")) < 1_500_000


def test_the_timeline_shades_a_detection_where_it_is():
    analysis = make_analysis(duration=40, planted=((10, 2, "positive"),), gaps=False)
    drawing = timeline(analysis, width=940, name="w")
    x, width = re.search(
        r'class="shade macro" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"', drawing
    ).groups()
    scale = (940 - 76 - 10) / 40
    assert float(x) == pytest.approx(76 + 10 * scale, abs=0.1)
    assert float(width) == pytest.approx(2 * scale, abs=0.1)


def test_a_range_is_drawn_and_told_as_a_range():
    analysis = make_analysis(duration=40, planted=((10, 2, "positive"),), gaps=False)
    keep = slice(240, 600)  # 8 s to 20 s
    traces = vars(analysis.traces)
    analysis.traces = type(analysis.traces)(
        **{k: v if v is None or k == "regions" else v[keep] for k, v in traces.items()}
    )
    drawing = timeline(analysis, width=940, name="w")
    x = re.search(r'class="shade macro" x="([\d.]+)"', drawing).group(1)
    seconds = 600 / 30 - 1 / 30 - 8
    assert float(x) == pytest.approx(76 + 2 * (940 - 76 - 10) / seconds, abs=0.1)
    words = " ".join(Page(render(analysis)).words)
    assert "1 macro-expression in 12 s (0:08 to 0:20 of 40 s)" in re.sub(r"\s+", " ", words)


def test_gaps_are_hatched_and_break_the_line():
    with_gap = timeline(make_analysis(duration=40, planted=()), width=940, name="w")
    assert with_gap.count('class="gap"') == 1
    assert with_gap.count('class="score"') == 2


def test_a_curve_is_seen_also_where_nothing_could_be_judged():
    analysis = make_analysis(duration=20, planted=(), gaps=False)
    gap = Gap(interval=Interval(30, 59), start_s=1, end_s=2, reason="dark")
    drawing = timeline(dataclasses.replace(analysis, gaps=(gap,)), width=940, name="w")
    assert drawing.index('class="gap"') < drawing.index('class="score"')


def test_a_narrow_timeline_names_its_lanes_too():
    drawings = [timeline(make_full(), width=width, name="w") for width in (940, 350)]
    for word in ("score", "movement", "emotion", "blinks", "speech"):
        for drawing in drawings:
            assert f">{word}</text>" in drawing, word


def test_every_line_of_the_timeline_is_explained():
    """Also where nothing hangs on the floor and no slider moves it."""
    page = render(dataclasses.replace(without_face(), floor=0.4))
    assert 'class="floor"' in page
    assert "the floor: what reaches it is shown" in page


def test_arrows_leave_out_wholes_whose_parts_are_drawn():
    motion = [("BROW_L", 2.0), ("BROW_L_19", 2.2), ("MOUTH", 1.9), ("LID_L", 0.1), ("NEW", 9.0)]
    chosen = arrows_worth_drawing(
        tuple(RegionMotion(region=name, dx=0.0, dy=-size) for name, size in motion)
    )
    assert [m.region for m in chosen] == ["BROW_L_19", "MOUTH"]


@pytest.mark.parametrize(
    ("pixels", "times"), [(0.0, 100), (0.5, 100), (3.0, 20), (64.0, 1), (300.0, 1)]
)
def test_factor_keeps_the_longest_arrow_in_view(pixels, times):
    regions = (RegionMotion(region="MOUTH", dx=pixels, dy=0.0),)
    assert factor(regions) == times


def test_still_regions_make_no_arrow():
    """No division by zero where nothing moved."""
    assert arrows_worth_drawing((RegionMotion(region="MOUTH", dx=0.0, dy=0.0),)) == ()


def test_data_uri_keeps_the_colours():
    import base64

    import cv2

    red = np.zeros((16, 16, 3), dtype=np.uint8)
    red[..., 0] = 200
    raw = base64.b64decode(data_uri(red).split(",")[1])
    back = cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR)  # BGR
    assert back[..., 2].mean() > 180
    assert back[..., 0].mean() < 20
