"""One expression with onset and apex known: named, drawn, and every refusal."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from made_recipes import flat_recipe
from one_expression import APEX
from one_expression import one_expression as clip
from PIL import Image

from mescope.analysis import recognition
from mescope.analysis.recognition import recognize
from mescope.cli import run
from mescope.errors import FaceError, MescopeError, VideoError, WeightsError
from mescope.models.weights import list_weights
from mescope.motion.flow_colours import flow_colours
from mescope.samples.examples import Examples
from mescope.samples.kinds import SAMPLES
from mescope.samples.one_clip import OneClip
from mescope.samples.sparse_frames import views
from mescope.synthesis.portraits import test_portraits
from mescope.training.recognizer import TrainedRecognizer
from mescope.training.recognizers import load_recognizer
from mescope.training.train_clips import publish_recognizer, train_on_all


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Recognisers that learned next to nothing: of grey maps, flow in px, and whole clips."""
    folder, made = tmp_path_factory.mktemp("weights"), {}
    for data, options in (("flow28", {}), ("flow", {}), ("clips", {"channels": 4})):
        recipe = flat_recipe(
            name=data, model="flow-cnn", data="synthetic-maps", maps=24, epochs=1
        )
        examples = recipe.data.drawn(0)
        recipe = flat_recipe(name=data, model="flow-cnn", data=data, epochs=1, options=options)
        inputs = examples.inputs if data != "clips" else examples.inputs[:, [0, 1, 2, 0]]
        examples = replace(examples, kind=data, inputs=inputs)
        learned, _ = train_on_all(recipe, examples, folder / data)
        made[data] = folder / f"{data}.safetensors"
        publish_recognizer(learned, recipe, examples, made[data])
    return made


@pytest.mark.parametrize("portrait", test_portraits(), ids=lambda p: p.name)
@pytest.mark.parametrize(
    ("units", "emotion"),
    [(("12",), "positive"), (("1", "2"), "surprise"), (("4",), "negative")],
)
def test_the_shipped_recogniser_names_what_was_planted(portrait, units, emotion):
    """Never trained on these faces, nor on rendered pictures."""
    found = recognize(clip(portrait, units), 0, APEX)
    assert found.found[0].emotion == emotion
    assert found.found[0].simulated


def test_several_models_side_by_side(weights):
    video = clip(test_portraits()[0], ("12",))
    result = recognize(video, 0, APEX, offset=19, models=list(weights.values()))
    assert [one.model for one in result.found] == ["flow28", "flow", "clips"]
    for one in result.found:
        assert sum(one.shares.values()) == pytest.approx(1.0)
        assert one.shares[one.emotion] == max(one.shares.values())
    assert result.pictures.shape == (2, 224, 224)
    assert (result.onset_s, result.apex_s) == pytest.approx((0.0, 0.16))


def test_motion_that_is_shown_is_the_planted_one(weights):
    result = recognize(clip(test_portraits()[0], ("12",)), 0, APEX, models=[weights["flow28"]])
    up = result.flow[1]
    assert up[130:200].min() < -1.0  # mouth corners rise by more than a px
    assert abs(np.median(up)) < 0.2


@pytest.mark.parametrize(
    ("frames", "text"),
    [
        ((5, 5, None), "apex after the onset"),
        ((8, 3, None), "apex after the onset"),
        ((0, 20, None), "expected frames 0 to 19, found apex 20"),
        ((-1, 3, None), "found onset -1"),
        ((0, 8, 5), "no later offset"),
    ],
)
def test_frames_that_make_no_sense(weights, frames, text):
    onset, apex, offset = frames
    video = clip(test_portraits()[0], ("12",))
    with pytest.raises(VideoError, match=text):
        recognize(video, onset, apex, offset=offset, models=[weights["flow28"]])


def faces_model(folder, views):
    """Weights of whole clips of faces that learned next to nothing, asked in views."""
    recipe = flat_recipe(
        name="faces", model="videomamba-xs", data="faces", size=28, frames=4, channels=1,
        draws=0, epochs=1, batch_size=4, options={"dim": 16, "depth": 1},
    )  # fmt: skip
    recipe = replace(recipe, data=replace(recipe.data, views=views))
    stored = 4 * (views + 1 if views > 1 else 1)
    random = np.random.default_rng(0).integers(0, 256, (4, 1, stored, 28, 28))
    examples = Examples(
        kind="faces", labels=np.arange(4) % 3, classes=("negative", "positive", "surprise"),
        inputs=random.astype(np.uint8), persons=(("a", "1"),) * 4, names=tuple("abcd"),
    )  # fmt: skip
    learned, _ = train_on_all(recipe, examples, folder / "run")
    path = folder / "faces.safetensors"
    publish_recognizer(learned, recipe, examples, path)
    return path


@pytest.mark.parametrize("count", [1, 3])
def test_a_model_of_faces_is_shown_crops_from_onset_to_offset(tmp_path, count):
    path = faces_model(tmp_path, count)
    video = clip(test_portraits()[0], ("12",))
    seen, read = [], set()
    plain, each = TrainedRecognizer.scores, type(video).each

    def watched(self, indices, **others):
        for frame, picture in each(self, indices, **others):
            read.add(frame)
            yield frame, picture

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainedRecognizer, "scores", lambda s, x: seen.append(x) or plain(s, x))
        patch.setattr(type(video), "each", watched)
        (found,) = recognize(video, 0, APEX, offset=19, models=[path]).found
    assert sum(found.shares.values()) == pytest.approx(1.0)
    assert seen[0].shape == (1, 1, 4 * count, 28, 28)
    assert seen[0].std() > 20  # a face, and it moves
    assert (seen[0][0, 0, 0] != seen[0][0, 0, 2]).any()
    assert read == set(views(20, 4, count).ravel().tolist())
    if count == 3:  # the middle one of three is what one view shows
        loaded, _ = load_recognizer(faces_model(tmp_path / "one", 1))
        (alone,), _ = SAMPLES["faces"].of_one(loaded.prepare, OneClip(video, 0, APEX, 19))
        assert (seen[0][0, :, 4:8] == alone).all()
    with pytest.raises(VideoError, match="needs the offset"):
        recognize(video, 0, APEX, models=[path])


def test_whole_clips_need_the_offset(weights):
    with pytest.raises(VideoError, match="needs the offset"):
        recognize(clip(test_portraits()[0], ("12",)), 0, APEX, models=[weights["clips"]])


def test_no_face_no_models_and_models_of_another_kind(weights):
    grey = np.full((20, 120, 120), 90, np.uint8)
    with pytest.raises(FaceError, match="no face was found"):
        recognize(grey, 0, 5, rate=50, models=[weights["flow28"]])
    with pytest.raises(MescopeError, match="a model or more"):
        recognize(grey, 0, 5, rate=50, models=[])
    with pytest.raises(WeightsError, match="name clips, found me-tst-plus"):
        recognize(grey, 0, 5, rate=50, models=["me-tst-plus-small"])


def test_networks_are_asked_where_one_says(weights, monkeypatch, capsys):
    where: list[str] = []

    def checked(name):
        where.append(name)
        return "meta"

    monkeypatch.setattr(recognition, "checked_device", checked)
    loaded = recognition.load_models(list(weights.values()), "cuda:1")
    assert where == ["cuda:1"]
    for _, recognizer, _ in loaded:
        assert {p.device.type for p in recognizer.model.parameters()} == {"meta"}
    monkeypatch.undo()
    words = ["recognize", "clip", "--onset", "0", "--apex", "4", "--device", "cuda:77"]
    assert run(words) == 1
    assert "device cuda:77 was asked for, but torch sees" in capsys.readouterr().err


def test_a_face_that_does_not_move_is_answered(weights):
    """No motion at all: maps without contrast, no division by zero."""
    picture = clip(test_portraits()[0], ("12",)).read([0], grey=True)[0]
    still = np.stack([picture] * 3)
    result = recognize(still, 0, 2, rate=50, models=[weights["flow28"], weights["flow"]])
    assert all(np.isfinite(list(one.shares.values())).all() for one in result.found)


def test_the_command_prints_draws_and_refuses(weights, tmp_path, capsys):
    folder = tmp_path / "clip"
    folder.mkdir()
    for index, picture in clip(test_portraits()[0], ("12",)).frames(grey=True):
        Image.fromarray(picture).save(folder / f"img{index}.png")
    words = [
        "recognize", str(folder), "--rate", "50", "--onset", "0", "--apex", str(APEX),
        "--model", str(weights["flow28"]), "--model", str(weights["flow"]),
    ]  # fmt: skip
    picture = tmp_path / "out.png"
    assert run([*words, "--picture", str(picture)]) == 0
    shown = capsys.readouterr()
    assert "not measured" in shown.out
    assert "flow28" in shown.out
    with Image.open(picture) as drawn:
        assert drawn.size == (1320, 396)
    assert run([*words, "--picture", str(picture)]) == 1
    assert "--force replaces it" in capsys.readouterr().err
    assert run([*words, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["models"]) == 2
    assert run([*words[:4], "--onset", "0", "--apex", "4", "--model", "merba-s82"]) == 1
    assert "did you mean" in capsys.readouterr().err


def test_colours_of_motion():
    flow = np.zeros((2, 1, 3), np.float32)
    flow[0, 0] = [0.0, 2.0, -2.0]
    still, right, left = flow_colours(flow, 2.0)[0]
    assert still.tolist() == [255, 255, 255]
    assert right.tolist() == [255, 0, 0]
    assert left.tolist() == [0, 255, 255]


def test_the_recogniser_is_small_and_says_what_it_is_worth():
    path = list_weights()["merba-s28"]
    assert path.stat().st_size < 5_000_000
    from mescope.models.weights import read_card

    card = read_card(path)
    assert card.simulated
    assert card.scores["real_clips"] == 442
    assert "no real face" in card.trained_on


def test_a_recogniser_finds_nothing_in_recordings():
    from mescope.analysis import load

    with pytest.raises(WeightsError, match="use `mescope recognize`"):
        load("merba-s28")


def test_all_expressions_of_a_table_are_named_at_once(weights, tmp_path, capsys):
    """An apex that lacks is looked for; what cannot be named does not stop the others."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        for index, picture in clip(test_portraits()[0], ("12",)).frames(grey=True):
            if name == "two":
                picture = np.full_like(picture, 90)
            Image.fromarray(picture).save(tmp_path / name / f"img{index}.png")
    table = tmp_path / "marks.csv"
    rows = [f"one,0,19,micro,{APEX},happy", "one,1,10,micro,,", "two,0,9,micro,4,"]
    head = "recording,onset,offset,kind,apex,emotion"
    table.write_text("\n".join([head, *rows, "three,1,2,micro,,"]))
    out = tmp_path / "named.csv"
    words = ["recognize", str(tmp_path), "--table", str(table), "-o", str(out)]
    words += ["--model", str(weights["flow28"]), "--model", str(weights["flow"])]
    assert run([*words, "--json"]) == 3
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    assert [(r["recording"], r["model"]) for r in found] == [
        ("one", "flow28"), ("one", "flow"), ("one", "flow28"), ("one", "flow"), ("two", ""),
    ]  # fmt: skip
    assert [r["apex"] for r in found[:2]] == [APEX, APEX]
    assert 1 < found[2]["apex"] <= 10
    assert found[0]["emotion"] == "happy"
    assert "unimodal" in found[2]["note"]
    assert "no face" in found[4]["note"]
    assert "no video 'three'" in shown.err
    assert "1 of 3 expressions could not be named" in shown.err
    assert out.read_text().splitlines()[0].startswith("recording,subject,kind,onset,apex")
    assert run([*words[:4], "--onset", "3"]) == 1
    assert "found --onset beside it" in capsys.readouterr().err
    assert run(["recognize", str(tmp_path / "one"), "--onset", "3"]) == 1
    assert "or a --table" in capsys.readouterr().err
