"""What a data set will give, told before a picture is opened, is what it then gives."""

import dataclasses

import numpy as np
import pytest
from clip_sets import FixedFinder, moving_set
from made_up_recordings import people
from mix_sets import PlanFinder, data_set, expression, recording

from mescope.datasets.base import Dataset
from mescope.datasets.flow28 import FlowMaps as PublishedMaps
from mescope.errors import DatasetError, RecipeError
from mescope.samples.base import SampleKind
from mescope.samples.clip_features import FlowFeature
from mescope.samples.clip_kinds import Clips, FlowMaps, GreyMaps, OnsetFlow, SimulatedMaps
from mescope.samples.clip_samples import (
    clip_examples,
    feature_examples,
    flow_examples,
    grey_map_examples,
    onset_flow_examples,
)
from mescope.samples.expected_recordings import expected_windows
from mescope.samples.face_clips import face_examples
from mescope.samples.face_kinds import Faces
from mescope.samples.frame_epochs import annotated_epochs
from mescope.samples.frame_kinds import AnnotatedFrames
from mescope.samples.peer_features import ApexFeature, FlowSequenceFeature
from mescope.samples.peer_kinds import ApexFaces, FlowSequences
from mescope.samples.recording_targets import RecordingEpochs
from mescope.samples.spotting_kinds import AnnotatedRecordings

SMALL = {"labels": "3-class", "finder": FixedFinder()}
MADE = [
    (GreyMaps(), lambda data: grey_map_examples(data, **SMALL)),
    (FlowMaps(size=32), lambda data: flow_examples(data, size=32, crop=64, **SMALL)),
    (OnsetFlow(size=32), lambda data: onset_flow_examples(data, size=32, **SMALL)),
    (Clips(size=32), lambda data: clip_examples(data, size=32, **SMALL)),
    (ApexFaces(size=32), lambda data: feature_examples(data, ApexFeature(32), **SMALL)),
    (
        FlowSequences(size=32, frames=3),
        lambda data: feature_examples(
            data, FlowSequenceFeature(3, FlowFeature(32, 64, "tvl1")), **SMALL
        ),
    ),
]


@pytest.mark.parametrize(("kind", "made"), MADE, ids=lambda some: getattr(some, "kind", ""))
def test_clips_are_as_many_of_the_shape_and_the_classes_that_were_told(tmp_path, kind, made):
    data = moving_set(tmp_path)
    found, told = made(data).examples, kind.expected(data, "3-class")
    assert found.inputs.shape == (len(told.labels), *kind.shape)
    assert told.labels.tolist() == found.labels.tolist()
    assert told.classes == found.classes


def test_faces_are_told_with_their_copies_and_without_what_is_never_learned(tmp_path):
    """A control is asked about and not learned from: it is in no epoch."""
    kind = Faces(frames=4, size=28, channels=1, draws=1, macro=True, rsmix=True)
    some = (
        expression(40, 49, "12", emotion="happiness"), expression(60, 79, kind="macro"),
        expression(90, 92, emotion=None, units=""),
    )  # fmt: skip
    data = data_set(recording(tmp_path / "films", "a", 140, some))
    found = face_examples(data, kind.wanted, labels="4-class", finder=PlanFinder()).examples
    told = kind.expected(data, "4-class")
    assert found.inputs.shape[1:] == kind.shape

    def about(examples):
        spans = [(o.role, o.kind, o.source) for o in examples.origins]
        return sorted(zip(spans, examples.labels.tolist(), strict=True), key=repr)

    assert about(told) == about(found)
    assert len(told.labels) == 4
    fewer = dataclasses.replace(kind, control=True, rsmix=False, macro=False)
    assert [o.role for o in fewer.expected(data, "4-class").origins] == ["original"]


def test_windows_and_pairs_are_as_many_as_are_measured():
    measured = people(3, window=50)
    data = Dataset(name="casme3a", recordings=tuple(one.recording for one in measured))
    wanted = AnnotatedRecordings(negative_ratio=0.3)
    told = expected_windows(data, wanted)
    for guess, one in zip(told, measured, strict=True):
        assert (len(guess.windows), guess.padded) == (len(one.windows), one.padded)
        assert (guess.timing, guess.used) == (one.timing, one.used)
    sizes = [RecordingEpochs(wanted, "4-class", 0, some).sizes() for some in (told, measured)]
    assert sizes[0] == sizes[1] != [0]
    pairs = AnnotatedFrames(negative_ratio=0.5)
    some = expected_windows(data, pairs)
    assert [len(one.maps.valid) for one in some] == [200 - 6] * len(measured)
    assert annotated_epochs(pairs, "4-class", 0, some).size > 0


def test_recordings_shorter_than_a_window_give_nothing():
    short = dataclasses.replace(people(1)[0].recording, frames=9)
    with pytest.raises(DatasetError, match="all 1 recordings are too short"):
        expected_windows(Dataset(name="x", recordings=(short,)), AnnotatedRecordings())


def test_published_maps_and_simulated_ones_are_known():
    maps = PublishedMaps(
        flow=np.zeros((2, 28, 28, 3), np.uint8), labels=("positive", "negative"),
        persons=(("smic", "1"), ("smic", "2")), clips=("a", "b"),
    )  # fmt: skip
    assert GreyMaps().expected(maps, "3-class").labels.tolist() == [1, 0]
    drawn = SimulatedMaps(maps=7)
    assert len(drawn.expected(None, "3-class").labels) == len(drawn.drawn(0)) == 7
    assert drawn.shape == drawn.drawn(0).inputs.shape[1:]


def test_a_kind_that_does_not_say_is_no_traceback():
    with pytest.raises(RecipeError, match="does not say what shape"):
        SampleKind().shape  # noqa: B018
    with pytest.raises(RecipeError, match="not made of data sets"):
        SampleKind().expected(None, "3-class")
