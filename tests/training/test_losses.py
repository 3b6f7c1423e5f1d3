"""The losses of ME-TST and of MERba's two heads, with plain references."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mescope.models import MeTstOutput, create_model
from mescope.models.merba import COARSE_OF_FULL, FINE_OF_FULL, FULL, MerbaOutput
from mescope.training.losses import (
    class_weights,
    dgcm_loss,
    distances,
    fine_weight,
    full_classes,
    me_tst_loss,
)


@pytest.fixture
def case():
    g = torch.Generator().manual_seed(4)
    output = MeTstOutput(torch.rand(3, 10, generator=g), torch.randn(3, 10, 5, generator=g))
    spotting = torch.randint(0, 2, (3, 10), generator=g).float()
    classes = torch.randint(0, 5, (3, 10), generator=g)
    return output, spotting, classes, torch.tensor([2.0, 10.0, 4.0, 6.667, 1.5])


def test_weights_of_the_worked_example():
    counts = [10, 2, 5, 3, 80]
    assert class_weights(counts, 1.0) == pytest.approx([2, 10, 4, 6.667, 0.25], abs=1e-3)
    weights = class_weights(counts, 6.0)
    assert weights == pytest.approx([2, 10, 4, 6.667, 1.5], abs=1e-3)
    assert (weights * counts).sum() / 100 == pytest.approx(2.0)


def test_a_class_without_frames_weighs_nothing():
    assert class_weights([0, 5, 5, 5, 5], 6.0) == pytest.approx([0.0, 0.8, 0.8, 0.8, 4.8])


def test_feature_synergy_is_switched_off_by_the_factor():
    assert class_weights([1, 1, 1, 1, 6], 0.0).tolist() == [2, 2, 2, 2, 0]


def test_loss_equals_plain_sums(case):
    output, spotting, classes, weights = case
    logits = output.emotion.double().numpy()
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    ce = mse = 0.0
    for b in range(3):
        for t in range(10):
            c = int(classes[b, t])
            ce -= float(weights[c]) * np.log(p[b, t, c]) / 30
            mse += (float(output.spotting[b, t]) - float(spotting[b, t])) ** 2 / 30
    found = me_tst_loss(output, spotting, classes, weights)
    assert found.item() == pytest.approx(0.9 * mse + 0.1 * ce, rel=1e-5)


def test_frames_reduction_is_what_one_hot_targets_give(case):  # what the published code runs
    output, spotting, classes, weights = case
    one_hot = F.one_hot(classes, 5).float()
    wanted = F.cross_entropy(output.emotion.flatten(0, 1), one_hot.flatten(0, 1), weights)
    found = me_tst_loss(output, spotting, classes, weights, spotting_weight=0.0)
    assert found.item() == pytest.approx(wanted.item(), rel=1e-6)


def test_ratio_of_reductions_is_the_mean_weight(case):
    output, spotting, classes, weights = case
    by_frames, by_weights = (
        me_tst_loss(output, spotting, classes, weights, spotting_weight=0.0, reduction=how)
        for how in ("frames", "weights")
    )
    index = F.cross_entropy(output.emotion.flatten(0, 1), classes.flatten(), weights)
    assert by_weights.item() == pytest.approx(index.item(), rel=1e-6)
    assert (by_frames / by_weights).item() == pytest.approx(weights[classes].mean().item())


def test_only_the_asked_loss_reaches_its_output(case):
    output, spotting, classes, weights = case
    leaves = MeTstOutput(*(part.clone().requires_grad_() for part in output))
    me_tst_loss(leaves, spotting, classes, weights, spotting_weight=1.0).backward()
    assert leaves.spotting.grad.any()
    assert not leaves.emotion.grad.any()


def test_cross_entropy_is_the_librarys_and_reaches_a_score_that_died(case):
    output, spotting, _, _ = case
    found = distances(output.spotting, spotting, "cross-entropy")
    wanted = F.binary_cross_entropy(output.spotting, spotting, reduction="none")
    torch.testing.assert_close(found, wanted)
    gradients = {}
    for kind in ("squared", "cross-entropy"):
        logits = torch.tensor([-25.0, -60.0], requires_grad=True)
        distances(logits.sigmoid(), torch.ones(2), kind).sum().backward()
        gradients[kind] = logits.grad
    assert gradients["squared"].abs().max() < 1e-9
    torch.testing.assert_close(gradients["cross-entropy"], -torch.ones(2))


def test_cross_entropy_of_halves_is_finite():
    score = torch.tensor([0.0, 1.0, 0.5], dtype=torch.bfloat16)
    assert distances(score, torch.tensor([1.0, 0.0, 1.0]), "cross-entropy").isfinite().all()


@pytest.fixture
def one_thread():
    """Two thread pools on a busy machine wait for each other at every tiny step."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.usefixtures("one_thread")
def test_a_small_model_learns_planted_motion():
    """Gradients reach where they should: after some steps the planted frames stand out."""
    torch.manual_seed(5)
    model = create_model("me-tst-plus-small", channels=4, dim=8, states=4, blocks=1)
    flow = 0.2 * torch.randn(24, 4, 20)
    spotting, classes = torch.zeros(24, 20), torch.full((24, 20), 4)
    for i in range(24):
        start, kind = 4 + i % 9, i % 2
        flow[i, 2 * kind, start : start + 6] += 3.0  # class 0 moves region 0, class 1 region 1
        spotting[i, start : start + 6] = 1.0
        classes[i, start : start + 6] = kind
    weights = torch.tensor(class_weights([72, 72, 0, 0, 336], 6.0), dtype=torch.float32)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        me_tst_loss(model(flow), spotting, classes, weights, spotting_weight=0.5).backward()
        optimizer.step()
    with torch.no_grad():
        output = model.eval()(flow)
    inside = spotting.bool()
    assert output.spotting[inside].mean() > 0.7
    assert output.spotting[~inside].mean() < 0.2
    assert (output.emotion.argmax(-1)[inside] == classes[inside]).float().mean() > 0.9


def two_heads(seed=0, n=6):
    generator = torch.Generator().manual_seed(seed)
    heads = torch.randn(2, n, 4, generator=generator).requires_grad_()
    return heads, MerbaOutput(heads[0], heads[1])


@pytest.mark.parametrize("mix", ["sum", "convex"])
def test_two_heads_against_plain_loops(mix):
    """Cross-entropy of both, the fine one over true negatives only."""
    _, output = two_heads()
    full = torch.tensor([0, 1, 2, 4, 5, 6])  # anger, contempt, disgust, happiness, sadness, ...
    coarse = [0, 3, 0, 1, 0, 2]
    fine = {0: 0, 2: 1, 4: 3}
    a = 0.25
    lc = -sum(output.coarse[i].log_softmax(0)[c] for i, c in enumerate(coarse)) / 6
    lf = -sum(output.fine[i].log_softmax(0)[f] for i, f in fine.items()) / 3
    wanted = (lc if mix == "sum" else (1 - a) * lc) + a * lf
    torch.testing.assert_close(dgcm_loss(output, full, a, mix), wanted)


def test_without_negatives_the_fine_head_learns_nothing():
    heads, output = two_heads()
    dgcm_loss(output, torch.tensor([1, 4, 6, 6, 4, 1]), 1.0).backward()
    assert not heads.grad[1].any()
    assert heads.grad[0].any()
    heads, output = two_heads()
    dgcm_loss(output, torch.tensor([0, 2, 3, 5, 0, 2]), 0.5).backward()
    assert heads.grad[0].any()
    assert heads.grad[1].any()


def test_the_fine_weight_grows_from_nothing_to_one():  # check 19
    weights = [fine_weight(e, 70) for e in range(70)]
    assert (weights[0], weights[-1]) == (0.0, 1.0)
    assert weights == sorted(weights)
    assert fine_weight(0, 1) == 0.0
    assert fine_weight(69, 70, "convex") == 0.9
    _, output = two_heads()
    full = torch.tensor([0, 1, 2, 4, 5, 6])
    coarse = torch.nn.functional.cross_entropy(output.coarse, torch.tensor([0, 3, 0, 1, 0, 2]))
    assert float(dgcm_loss(output, full, 0.0).detach()) == pytest.approx(float(coarse.detach()))


def test_seven_classes_go_to_two_heads_and_back():  # check 20
    for full, (coarse, fine) in enumerate(zip(COARSE_OF_FULL, FINE_OF_FULL, strict=True)):
        one = torch.eye(4)
        output = MerbaOutput(one[coarse : coarse + 1], one[max(fine, 0)][None])
        assert output.predict().tolist() == [full]
    names = ("surprise", *(n for n in FULL if n != "surprise"))
    assert [FULL[i] for i in full_classes(names)] == list(names)


def test_shares_of_two_heads_agree_with_what_they_predict():
    _, output = two_heads(n=200)
    shares = output.scores()
    torch.testing.assert_close(shares.sum(1), torch.ones(200))
    assert torch.equal(shares.argmax(1), output.predict())
