"""The apex face, and flow from the onset over a clip: right frames, right shapes."""

from __future__ import annotations

import numpy as np
import pytest

from mescope.samples import clip_kinds, peer_features
from mescope.samples.apex import Apex
from mescope.samples.clip_features import Choice, Computed, FlowFeature
from mescope.samples.clip_kinds import FlowMaps
from mescope.samples.kinds import SAMPLES
from mescope.samples.peer_features import ApexFeature, FlowSequenceFeature


def greys(n, side=40):
    return [np.full((side, side), 10 * i, np.uint8) for i in range(n)]


def uncut(frames, size, **_):
    return np.stack([frame[:size, :size] for frame in frames]), ()


def test_the_apex_is_shown_alone(monkeypatch):
    monkeypatch.setattr(peer_features, "align", uncut)
    made = ApexFeature(32).compute(greys(2), Choice((4, 9)), None)
    assert made.values.shape == (1, 32, 32)
    assert made.apex is None
    np.testing.assert_allclose(made.values, 10 / 255, rtol=1e-6)
    # without a known apex, the one that is found among the small faces
    found = lambda faces: Apex(4, np.zeros(len(faces)), np.zeros(len(faces)))  # noqa: E731
    monkeypatch.setattr(peer_features, "find_apex", found)
    made = ApexFeature(32).compute(greys(9), Choice(tuple(range(9)), seek=True), None)
    assert made.apex == 4
    np.testing.assert_allclose(made.values, 40 / 255, rtol=1e-6)


def test_a_sequence_measures_each_frame_from_the_onset(monkeypatch):
    seen = []

    def compute(self, pair, choice, finder):
        seen.append([int(grey[0, 0]) for grey in pair])
        return Computed(np.full((3, self.size, self.size), pair[1][0, 0], np.float32), ("n",))

    monkeypatch.setattr(FlowFeature, "compute", compute)
    feature = FlowSequenceFeature(3, FlowFeature(28, 224, "tvl1"))
    made = feature.compute(greys(4), Choice((0, 2, 4, 6)), None)
    assert seen == [[0, 10], [0, 20], [0, 30]]
    assert made.values.shape == (3, 3, 28, 28)
    assert made.values[0, :, 0, 0].tolist() == [10, 20, 30]
    assert made.notes == ("n",)
    assert feature.parameters["frames"] == 3


def test_what_a_card_keeps_of_them():
    kind = SAMPLES["flow-sequence"](size=28, frames=5, standardise=True)
    inputs = np.random.default_rng(0).standard_normal((4, 3, 5, 28, 28)).astype(np.float32)
    found = kind.measure(7 * inputs + 2)
    assert (found.data, found.frames, found.channels, found.size) == ("flow-sequence", 5, 3, 28)
    np.testing.assert_allclose(found(7 * inputs + 2).mean((0, 2, 3, 4)), 0, atol=1e-5)
    np.testing.assert_allclose(found(7 * inputs + 2).std((0, 2, 3, 4)), 1, atol=1e-2)
    apex = SAMPLES["apex"](size=28).measure(np.zeros((1, 1, 28, 28), np.float32))
    assert float(apex(np.full((1, 1, 28, 28), 0.449, np.float32)).abs().max()) < 1e-6


@pytest.mark.parametrize(("size", "crop"), [(28, 224), (256, 256)])
def test_maps_larger_than_the_usual_faces_are_measured_in_larger_ones(monkeypatch, size, crop):
    def asked(_dataset, **options):
        return FlowFeature(options["size"], options["crop"], "tvl1")

    monkeypatch.setattr(clip_kinds, "flow_examples", asked)
    assert FlowMaps(size=size).examples(None, labels="3-class").crop == crop
