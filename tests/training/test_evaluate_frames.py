"""SOFTNet and MEAN by leave one subject out: planted motion is found, nothing leaks."""

from dataclasses import replace

import numpy as np
import pytest
from made_up_maps import K, mapped_people, with_maps
from made_up_recordings import made_up

from mescope.errors import DatasetError, RecipeError, WeightsError
from mescope.evaluation.spotting_files import as_json, from_json
from mescope.models.weights import load, read_card
from mescope.reports import save_spotting_report
from mescope.reports.video_page import write_video_pages
from mescope.samples.frame_epochs import annotated_epochs
from mescope.samples.frame_kinds import AnnotatedFrames
from mescope.samples.recording_windows import MeasuredRecordings
from mescope.spotting.frame_scores import FrameRule
from mescope.training.evaluate_recordings import evaluate_recordings
from mescope.training.frame_rule import first_rule
from mescope.training.recipe import parse_recipe
from mescope.training.train_recordings import train_on_recordings

pytestmark = pytest.mark.usefixtures("one_thread")

TEXT = """name = "tiny"
labels = "4-class"
seeds = 1
[model]
name = "softnet"
[data]
kind = "recording-frames"
negative_ratio = 1.0
[optim]
epochs = 1
batch_size = 16
learning_rate = 3e-3
"""


def recipe(*settings, style="softnet"):
    return parse_recipe(
        TEXT.replace("softnet", style), settings=(f"data.style={style}", *settings)
    )


def data(some=None, **more):
    return MeasuredRecordings(tuple(some or mapped_people()), **more)


def dump(report):
    return as_json(replace(report, seconds=0.0, environment={}))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run with its folder."""
    out = tmp_path_factory.mktemp("whole")
    return out, evaluate_recordings(recipe(), data(), out=out, keep_weights=True)


def test_planted_expressions_are_found_in_people_nobody_learned_from(whole):
    _, report = whole
    assert list(report.methods) == ["softnet", "flow-peaks", "mdmd", "of-fd"]
    figures = report.summary()["methods"]["softnet"]
    assert figures["over"]["f1"]["mean"] > max(0.7, figures["chance"]["f1"] + 0.4)
    assert not figures["names_emotions"]
    assert {row.kind for row in report.runs[0].native} == {"micro"}
    for fold in report.folds:
        assert not set(fold.train) & set(fold.test)
        assert fold.rule["half_s"] == pytest.approx(0.2)  # 12 frames at 30 a second, halved
        assert (fold.rule["floor"], fold.rule["pair_s"]) == (0.0, 0.2)
    assert "softnet" in report.compare()


def test_mean_names_what_it_finds():
    chosen = recipe("optim.epochs=4", style="mean")
    report = evaluate_recordings(chosen, data(mapped_people(3, style="mean")))
    figures = report.summary()["methods"]["mean"]
    assert figures["names_emotions"]
    assert figures["over"]["f1"]["mean"] > figures["chance"]["f1"] + 0.3
    table = np.array(figures["per_seed"][0]["confusion"])
    classes = report.classes.index("negative"), report.classes.index("positive")
    right = sum(table[i, i] for i in classes)
    assert right > 0.8 * table[list(classes)].sum() > 6


def test_the_report_and_a_page_of_each_recording_are_written(whole, tmp_path):
    out, report = whole
    text = as_json(report)
    assert as_json(from_json(text)) == text
    pages = write_video_pages(report, out, data().measured)
    assert len(pages) == 4
    save_spotting_report(report, tmp_path, videos=pages)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "k_p to both sides of the peak" in page
    assert "0.200 s" in page


def test_a_test_person_changes_neither_the_weights_nor_the_rule_of_the_fold(whole, tmp_path):
    out, report = whole
    strange = with_maps(made_up("00", (9, 70, "surprise"), windows=19), seed=5)
    some = (strange, *mapped_people()[1:])
    changed = evaluate_recordings(recipe(), data(some), out=tmp_path, keep_weights=True)
    rules = {f.fold: f.rule for f in report.folds}
    others = {f.fold: f.rule for f in changed.folds}
    assert others["casme3a/00"] == rules["casme3a/00"]
    assert others["casme3a/01"] != rules["casme3a/01"]  # whose training people he is one of
    for number, same in ((0, True), (1, False)):
        one, two = (
            load(folder / "weights" / "seed-0" / f"{number:03d}.safetensors")[0].state_dict()
            for folder in (out, tmp_path)
        )
        assert all((one[k] == two[k]).all() for k in one) is same


def test_a_stopped_run_goes_on_and_gives_the_same(whole, tmp_path):
    _, report = whole

    def stop(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate_recordings(recipe(), data(), out=tmp_path, progress=stop)
    again = evaluate_recordings(recipe(), data(), out=tmp_path)
    assert dump(again) == dump(report)
    with pytest.raises(RecipeError, match="data differ"):
        evaluate_recordings(recipe(), data(mapped_people(seed=1)), out=tmp_path)


def test_kept_weights_say_what_they_are_and_test_whom_they_did_not_see(whole):
    out, report = whole
    folder = out / "weights" / "seed-0"
    card = read_card(folder / "002.safetensors")
    assert (card.look, card.window, card.regions, card.without) == ("frames", K, (), "02")
    assert FrameRule(**card.proposals).half_s == pytest.approx(0.2)
    again = evaluate_recordings(recipe(), data(), weights=folder)
    assert again.methods["softnet"][0].native == report.methods["softnet"][0].native
    other = recipe("data.half_s=0.4")
    some = [with_maps(replace(one, maps=None), k=12) for one in mapped_people()]
    with pytest.raises(WeightsError, match=r"the distance of a pair 0\.4"):
        evaluate_recordings(other, data(some), weights=folder)


def test_the_floor_is_chosen_on_training_people_who_were_not_learned_from(tmp_path):
    chosen = recipe("task.hold_out=0.34")
    report = evaluate_recordings(chosen, data(), out=tmp_path, keep_weights=True)
    floors = [f.rule["floor"] for f in report.folds]
    assert min(floors) > 0
    again = evaluate_recordings(chosen, data(), weights=tmp_path / "weights" / "seed-0")
    assert [f.rule["floor"] for f in again.folds] == floors


def test_weights_of_everybody_have_a_card(tmp_path):
    chosen = recipe("optim.epochs=1")
    card = train_on_recordings(chosen, data(), tmp_path, tmp_path / "tiny.safetensors")
    assert card.trained_on.startswith("4 recordings of 4 people of casme3a")
    assert (card.model, card.simulated, card.labels) == ("softnet", False, ())


def test_macro_expressions_have_a_network_of_their_own():
    some = [
        with_maps(
            made_up(str(i), (30, 36, "positive"), (90, 119, "negative", "macro"), windows=19),
            k=15, kind="macro",
        )
        for i in range(3)
    ]  # fmt: skip
    chosen = recipe("data.expressions=macro", "data.half_s=0.5")
    report = evaluate_recordings(chosen, data(some))
    assert {row.kind for row in report.runs[0].native} == {"macro"}
    kinds = report.summary()["methods"]["softnet"]["per_seed"][0]["kinds"]
    assert kinds["macro"]["tp"] == 3


def test_k_p_may_come_from_the_median():
    lengths = [made_up("0", (5, 10, "x"), (20, 25, "x"), (40, 99, "x"), windows=19)]
    assert first_rule(recipe("task.k_p=median"), lengths).half_s == pytest.approx(0.1)
    assert first_rule(recipe(), lengths).half_s == pytest.approx(0.4)


def test_pairs_without_a_face_are_not_learned_and_the_others_are_drawn_anew():
    one = mapped_people(1)[0]
    blind = replace(one, maps=replace(one.maps, valid=np.arange(len(one.maps.valid)) > 150))
    every, some = (annotated_epochs(AnnotatedFrames(negative_ratio=1.0), "4-class", 0, [o])
                   for o in (one, blind))  # fmt: skip
    assert some.positive < every.positive
    first, second = every(0).by_length[0], every(1).by_length[0]
    assert len(first.flow) == every.size == 2 * every.positive
    assert not np.array_equal(first.flow, second.flow)
    np.testing.assert_array_equal(first.flow, every(0).by_length[0].flow)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            lambda: (recipe("data.expressions=macro"), data()),
            DatasetError, "expected macro-expressions of training people",
        ),
        (
            lambda: (recipe(), data([replace(o, maps=None) for o in mapped_people()])),
            DatasetError, "asks for softnet maps .* over 6 frames, found none; measure",
        ),
        (
            lambda: (recipe(), data(mapped_people(style="mean"))),
            DatasetError, "found mean maps",
        ),
        (lambda: (recipe("data.half_s=0.4"), data()), DatasetError, "over 12 frames, found"),
        (lambda: (recipe("data.macro=true"), data()), RecipeError, "one kind of expression"),
        (lambda: (recipe("data.regions='5'"), data()), RecipeError, "leave regions"),
        (lambda: (recipe("task.k_p_people=everyone"), data()), RecipeError, "leave it out"),
        (lambda: (recipe("data.style=mean"), data()), RecipeError, "style = 'softnet'"),
    ],
)  # fmt: skip
def test_what_cannot_be_evaluated_says_why(change, error, message):
    with pytest.raises(error, match=message):
        evaluate_recordings(*change())


def test_expressions_that_no_pair_shows_are_told():
    one = mapped_people(1)[0]
    blind = replace(one, maps=replace(one.maps, valid=np.zeros(len(one.maps.valid), bool)))
    with pytest.raises(DatasetError, match="found none in a pair of frames with a face"):
        annotated_epochs(AnnotatedFrames(), "4-class", 0, [blind])
