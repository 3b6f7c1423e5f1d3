"""Evaluation on recordings: planted motion is found, nothing leaks, a stopped run goes on."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from made_up_recordings import made_up, people
from test_recordings_task import recipe

from mescope.errors import DatasetError, LeakError, RecipeError, WeightsError
from mescope.evaluation.spotting_files import as_json, from_json
from mescope.models.weights import Card, load, read_card, save
from mescope.samples.recording_windows import MeasuredRecordings
from mescope.spotting.proposals import ProposalRule
from mescope.training import evaluate_recordings as module
from mescope.training.evaluate_recordings import evaluate_recordings, traces_of
from mescope.training.fold_weights import unseen
from mescope.training.recording_remarks import counts_that_differ
from mescope.training.spotting_card import card_of
from mescope.training.spotting_rule import first_rule, with_level_of

LONGER = ("optim.epochs=12", "seeds=1")


def data(some=None, **more):
    return MeasuredRecordings(tuple(some or people()), **more)


def dump(report):
    """Return a report as JSON without how long it took."""
    return as_json(replace(report, seconds=0.0, environment={}))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of two seeds, with its folder."""
    out = tmp_path_factory.mktemp("whole")
    return out, evaluate_recordings(recipe(), data(), out=out, keep_weights=True)


@pytest.mark.slow
def test_planted_expressions_are_found_and_named_in_people_nobody_learned_from():
    report = evaluate_recordings(recipe(*LONGER, "optim.epochs=30"), data(people(5)))
    figures = report.summary()["methods"]["strategy-1"]["over"]
    assert figures["f1"]["mean"] > 0.75
    assert figures["uf1"]["mean"] > 0.75
    assert figures["strs"]["mean"] > 0.55
    low, high = figures["f1"]["interval"]
    assert low <= figures["f1"]["mean"] <= high
    chance = report.summary()["methods"]["strategy-1"]["chance"]
    assert chance["f1"] < figures["f1"]["mean"] - 0.2


def test_every_recording_is_tested_once_a_seed_and_by_the_people_of_other_folds(whole):
    _, report = whole
    assert report.seeds == (0, 1)
    assert {f.fold for f in report.folds} == {f"casme3a/{i:02d}" for i in range(4)}
    for fold in report.folds:
        assert len(fold.train) == 3
        assert not set(fold.train) & set(fold.test)
    assert list(report.methods)[:2] == ["strategy-1", "strategy-2"]
    assert "flow-peaks" in report.methods
    assert len(report.methods["flow-peaks"]) == 1  # nothing in it depends on a seed
    assert len(report.truth_native) == 8 * 4
    native, decimated = report.runs[0].native, report.runs[0].decimated
    assert [r.interval for r in native] == [r.interval for r in decimated]  # step 1


def test_a_report_comes_back_from_its_file(whole):
    _, report = whole
    text = as_json(report)
    back = from_json(text)
    assert as_json(back) == text
    assert json.loads(text)["summary"]["methods"]["strategy-1"]["title"].startswith("network")
    with pytest.raises(DatasetError, match="the report is damaged"):
        from_json(text.replace('"runs"', '"ruins"'))


def test_a_finished_run_is_read_and_not_trained_again(whole, monkeypatch):
    out, report = whole
    monkeypatch.setattr(module, "run_fold", None)
    again = evaluate_recordings(recipe(), data(), out=out)
    assert dump(again) == dump(report)


@pytest.mark.slow
def test_a_stopped_run_goes_on_and_two_processes_give_the_same(whole, tmp_path, monkeypatch):
    """Also where processes that are used again have another working directory."""
    _, report = whole

    def stop(done, total):
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        evaluate_recordings(recipe(), data(), out=tmp_path, progress=stop)
    kept = sorted(p.name for p in (tmp_path / "folds" / "seed-0").glob("*.json"))
    assert kept == ["000.json", "001.json", "002.json"]
    # one result is cut short, as by a full disk: it is computed again, and said so
    (tmp_path / "folds" / "seed-0" / "001.json").write_text("{")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    evaluate_recordings(recipe("optim.epochs=1"), data(), jobs=2)
    monkeypatch.chdir(tmp_path.parent)
    again = evaluate_recordings(recipe(), data(), out=Path(tmp_path.name), jobs=2)
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert any("was damaged" in line for line in again.warnings)
    assert dump(replace(again, warnings=report.warnings)) == dump(report)
    assert not list(tmp_path.glob("folds/*/*/checkpoint*"))


def test_other_data_or_another_recipe_do_not_go_on_in_the_same_folder(whole):
    out, _ = whole
    with pytest.raises(RecipeError, match="data differ"):
        evaluate_recordings(recipe(), data(people(4, noise=0.03)), out=out)
    with pytest.raises(RecipeError, match="recipe"):
        evaluate_recordings(recipe("optim.epochs=4"), data(), out=out)


def test_a_test_person_changes_neither_the_weights_nor_the_rule_of_the_fold(whole, tmp_path):
    """What he shows, and how long his expressions are, must not reach training."""
    out, report = whole
    strange = made_up("00", (5, 60, "surprise"), name="v0", windows=7, noise=0.5)
    other = made_up("00", (30, 33, "negative"), name="v1", windows=7, noise=0.5)
    some = (strange, other, *people()[2:])
    changed = evaluate_recordings(
        recipe("seeds=1"), data(some), out=tmp_path, keep_weights=True
    )
    rules = {f.fold: f.rule for f in report.folds if f.seed == 0}
    others = {f.fold: f.rule for f in changed.folds}
    assert others["casme3a/00"] == rules["casme3a/00"]
    assert others["casme3a/01"] != rules["casme3a/01"]  # whose training people he is one of
    for number, same in ((0, True), (1, False)):
        one, two = (
            load(folder / "weights" / "seed-0" / f"{number:03d}.safetensors")[0].state_dict()
            for folder in (out, tmp_path)
        )
        assert all((one[k] == two[k]).all() for k in one) is same


def test_traces_are_kept_for_pages(whole):
    out, _ = whole
    traces = traces_of(out).load("seed-1-002")
    assert sorted(traces) == ["0-emotion", "0-score", "1-emotion", "1-score"]
    used = people()[4].used
    assert traces["0-score"].shape == (used,)
    assert traces["0-emotion"].shape == (used, 5)


def test_kept_weights_say_whom_they_did_not_see_and_test_him_again(whole, tmp_path):
    out, report = whole
    folder = out / "weights" / "seed-0"
    card = read_card(folder / "002.safetensors")
    assert (card.without, card.dataset, card.simulated) == ("02", "casme3a", False)
    assert "without casme3a/02" in card.trained_on
    again = evaluate_recordings(recipe(), data(), weights=folder)
    assert again.seeds == (0,)
    first = report.methods["strategy-1"][0]
    assert again.methods["strategy-1"][0].native == first.native
    # the files of two folds exchanged: each would test whom it learned from
    for number in (0, 1, 2):
        name = f"{number:03d}.safetensors"
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(LeakError, match=r"none for casme3a/03 \(1 of 4 folds\)"):
        evaluate_recordings(recipe(), data(), weights=tmp_path)


def test_weights_are_kept_of_folds_that_were_finished_before_and_bring_their_level(
    tmp_path, monkeypatch
):
    chosen = recipe("optim.epochs=1", "seeds=1", "task.hold_out=0.5")
    first = evaluate_recordings(chosen, data(people(3)), out=tmp_path)
    assert not (tmp_path / "weights").exists()
    kept = evaluate_recordings(chosen, data(people(3)), out=tmp_path, keep_weights=True)
    folder = tmp_path / "weights" / "seed-0"
    assert [path.name for path in sorted(folder.iterdir())] == [
        f"{number:03d}.safetensors" for number in range(3)
    ]
    assert kept.runs == first.runs
    again = evaluate_recordings(chosen, data(people(3)), weights=folder)
    levels = [[f.rule["share"] for f in one.folds] for one in (first, again)]
    assert levels[0] == levels[1] != [0.55] * 3
    monkeypatch.setattr(module, "run_fold", None)  # all is there: nothing is done again
    evaluate_recordings(chosen, data(people(3)), out=tmp_path, keep_weights=True)


def test_a_level_that_does_not_fit_is_not_taken():
    rule = first_rule(recipe(), people())
    card = Card(model="me-tst", config={}, regions=(), window=0, rate=0.0)
    assert with_level_of(rule, card) == rule
    other = replace(card, proposals=ProposalRule(floor=0.2).to_dict())  # of the mode clean
    assert with_level_of(rule, other) == rule
    with pytest.raises(WeightsError, match="found another in their card"):
        with_level_of(rule, replace(card, proposals={"height": 3}))


def test_who_was_left_out_is_named_with_the_data_set_that_was_learned_from():
    """Person 1 of another data set is not person 1 of this one, who was learned from."""
    model = SimpleNamespace(config=ProposalRule())
    rule = first_rule(recipe(), people())
    card = card_of(recipe(), model, rule, people(2), without=("samm", "00"))
    assert (card.dataset, card.without) == ("casme3a", "")
    assert not unseen(card, {("casme3a", "00")})
    assert unseen(card, {("samm", "00")})
    card = card_of(recipe(), model, rule, people(2), without=("casme3a", "02"))
    assert unseen(card, {("casme3a", "02")})
    for spelt, also in (("2", True), ("sub02", True), ("12", False), ("x2", False)):
        assert unseen(card, {("casme3a", spelt)}) is also
    own = replace(card, dataset="folder")
    assert unseen(own, {("folder", "02")})
    assert not unseen(own, {("folder", "2")})


def test_weights_of_another_model_or_none_at_all_are_refused(whole, tmp_path):
    out, _ = whole
    folder = out / "weights" / "seed-0"
    other = recipe('model.name="me-tst-plus"')
    with pytest.raises(WeightsError, match="expected the model me-tst-plus"):
        evaluate_recordings(other, data(), weights=folder)
    with pytest.raises(WeightsError, match="found none in"):
        evaluate_recordings(recipe(), data(), weights=tmp_path)
    twice = tmp_path / "again.safetensors"
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    twice.write_bytes((folder / "000.safetensors").read_bytes())
    with pytest.raises(WeightsError, match="expected one file"):
        evaluate_recordings(recipe(), data(), weights=tmp_path)


def test_the_level_is_chosen_on_training_people_who_were_not_learned_from():
    report = evaluate_recordings(recipe(*LONGER, "task.hold_out=0.34"), data())
    levels = {f.rule["share"] for f in report.folds}
    assert levels != {0.55}


def test_the_trace_rule_finds_macro_expressions_too():
    some = [
        made_up(str(i), (10, 16, "positive"), (40, 58, "negative", "macro"), windows=9, seed=i)
        for i in range(3)
    ]
    settings = ("data.macro=true", 'task.rule="trace"', "task.level=0.4", "seeds=1")
    report = evaluate_recordings(recipe(*settings, "optim.epochs=20"), data(some))
    kinds = {row.kind for row in report.runs[0].native}
    assert kinds == {"micro", "macro"}
    assert report.folds[0].rule["mode"] == "clean"


def test_as_published_everyone_decides_k_p_and_decimated_frames_are_counted():
    some = people(3, mode="as_published", step=7)
    some = tuple(
        replace(
            one,
            recording=replace(
                one.recording,
                expressions=tuple(
                    replace(e, interval=type(e.interval)(e.interval.first * 7,
                                                         e.interval.last * 7))
                    for e in one.recording.expressions
                ),
            ),
        )
        for one in some
    )  # fmt: skip
    report = evaluate_recordings(
        recipe('data.mode="as_published"', 'task.k_p_people="everyone"', *LONGER), data(some)
    )
    assert {f.rule["half_length"] for f in report.folds} == {4}  # (8 + 1) / 2
    assert report.frames == "decimated"
    assert report.summary()["mode"] == "as_published_metst"
    assert "k_p was taken from everyone" in " ".join(report.summary()["cautions"])
    for one, two in zip(report.runs[0].native, report.runs[0].decimated, strict=True):
        assert one.interval.first == min(two.interval.first * 7, 79 * 7)


def test_recordings_too_short_are_missed_and_lost_ones_are_told():
    short = made_up("00", (1, 5, "positive"), name="short").recording
    report = evaluate_recordings(recipe("seeds=1"), data(unmeasured=(short,), lost=3))
    assert len(report.truth_native) == 33
    figures = report.summary()["methods"]["strategy-1"]["per_seed"][0]
    assert figures["tp"] + figures["fn"] == 33
    assert "3 annotated expressions lie in recordings that are not there" in " ".join(
        report.summary()["cautions"]
    )
    assert any("too short for one window" in line for line in report.warnings)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda: (recipe('data.regions="5"'), data()), DatasetError, "asks for the regions 5"),
        (lambda: (recipe('data.mode="as_published"'), data()), DatasetError, "the mode"),
        (lambda: (recipe(), data(people(1))), LeakError, "training items"),
        (
            lambda: (recipe(), data([made_up(str(i)) for i in range(3)])),
            DatasetError, "to take k_p",
        ),
        (
            lambda: (recipe(), data([*people(1), made_up("9")])),
            DatasetError, "micro-expressions",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_evaluated_says_why(change, error, message):
    chosen, some = change()
    with pytest.raises(error, match=message):
        evaluate_recordings(chosen, some)


def test_a_data_set_whose_people_show_nothing_at_all_scores_nothing(whole):
    """A person without expressions is tested like everybody: what is found is a false alarm."""
    some = [*people(3), made_up("zz", windows=7)]
    report = evaluate_recordings(recipe("seeds=1"), data(some))
    assert ("zz", "r") in {video.key for video in report.videos}
    assert np.isfinite(report.summary()["methods"]["strategy-1"]["over"]["f1"]["mean"])


def test_networks_that_say_nothing_are_told_of(whole, tmp_path):
    out, report = whole
    assert not any("say nothing" in line for line in report.warnings)
    for number, path in enumerate(sorted((out / "weights" / "seed-0").iterdir())):
        model, card = load(path)
        if number != 2:
            model.spotting_head.bias.data.fill_(-30.0)
        save(tmp_path / path.name, model, card)
    again = evaluate_recordings(recipe("seeds=1"), data(), weights=tmp_path)
    assert any(line.startswith("3 of 4 trained networks score") for line in again.warnings)


def test_weights_that_learned_from_windows_of_another_length_are_told_of(whole, tmp_path):
    out, report = whole
    assert not any("windows of" in line for line in report.warnings)
    folder = out / "weights" / "seed-0"
    again = evaluate_recordings(recipe("seeds=1"), data(), weights=folder)
    assert not any("windows of" in line for line in again.warnings)
    for path in folder.iterdir():
        model, card = load(path)
        save(tmp_path / path.name, model, replace(card, window=50))
    other = evaluate_recordings(recipe("seeds=1"), data(), weights=tmp_path)
    (said,) = [line for line in other.warnings if "windows of" in line]
    assert said.startswith("8 of 8 recordings have windows of 20 frames at")
    assert "the weights learned from windows of 50 frames at" in said


def test_protocols_that_split_clips_are_refused():
    with pytest.raises(RecipeError, match="split by person"):
        evaluate_recordings(recipe(), data(), "70-30-clips")
    with pytest.raises(RecipeError, match="weights of folds are kept with the protocol loso"):
        evaluate_recordings(recipe(), data(), keep_weights=True)


def test_a_person_without_a_face_is_missed_and_teaches_nothing():
    blind = made_up(
        "99", (10, 18, "positive"), windows=7, valid=np.zeros((7, 20), bool), noise=0.1
    )
    report = evaluate_recordings(recipe("seeds=1"), data([*people(3), blind]))
    assert not [row for row in report.runs[0].native if row.subject == "99"]
    by_person = {tuple(f.test): f for f in report.folds}
    assert (("casme3a", "99"),) in by_person
    assert len(report.truth_native) == 25


def test_as_published_the_counts_of_the_papers_are_looked_for():
    """858 in 462 recordings of 94 people (of the sheets 859 in 463), 159 in 79 of 29."""

    def copies(count, videos, persons, dataset):
        shown = [count // videos + (n < count % videos) for n in range(videos)]
        return [
            made_up(
                f"{n % persons:03d}", *[(4, 9, "positive")] * shown[n],
                name=f"v{n}", dataset=dataset, windows=1, mode="as_published",
            )
            for n in range(videos)
        ]  # fmt: skip

    wanted = recipe('data.mode="as_published"').data
    assert counts_that_differ(data(copies(859, 463, 94, "casme3a")), wanted) == []
    for counts, dataset in (((858, 462, 94), "casme3a"), ((159, 79, 29), "samm-lv")):
        some = data(copies(*counts, dataset))
        assert counts_that_differ(some, wanted) == []
        fewer = data(some.measured[1:])
        (said,) = counts_that_differ(fewer, wanted)
        assert f"of {counts[0]} micro-expressions in {counts[1]} recordings" in said
        assert f"in {counts[1] - 1} recordings" in said
        assert counts_that_differ(fewer, recipe().data) == []
