"""A made-up evaluation the size of the composite, for tests of reports."""

import numpy as np

from mescope.evaluation.report import Prediction, Report, environment

CLASSES = ("negative", "positive", "surprise")
COUNTS = {"casme2": (24, (88, 32, 25)), "samm": (28, (92, 26, 15)), "smic": (16, (70, 51, 43))}


def made_up_report(seeds=(0, 1, 2), *, oracle=False, skill=0.7, mode="clean", **changes):
    """Return a report whose model is right with probability ``skill``."""
    predictions = []
    rng = np.random.default_rng(3)
    clips = []
    for dataset, (people, counts) in COUNTS.items():
        labels = np.repeat(np.arange(3), counts)
        who = np.concatenate(
            [
                np.arange(people),
                rng.choice(people, len(labels) - people, p=rng.dirichlet(np.full(people, 0.8))),
            ]
        )
        rng.shuffle(labels)
        clips += [
            ((dataset, f"{w + 1:03d}"), f"{w + 1:03d}_{i}", int(label))
            for i, (w, label) in enumerate(zip(who, labels, strict=True))
        ]
    hardness = {person: rng.normal(0, 0.15) for person, _, _ in clips}
    for seed in seeds:
        rng = np.random.default_rng(100 + seed)
        for person, name, label in clips:
            right = rng.random() < skill + hardness[person] - 0.1 * (label > 0)
            scores = rng.dirichlet((1, 1, 1))
            found = label if right else int((label + rng.integers(1, 3)) % 3)
            scores[[found, int(scores.argmax())]] = scores[[int(scores.argmax()), found]]
            best = None
            if oracle:
                best = CLASSES[label if rng.random() < 0.3 else found]
            predictions.append(
                Prediction(
                    person=person, name=name, truth=CLASSES[label], predicted=CLASSES[found],
                    fold="/".join(person), seed=seed, scores=tuple(map(float, scores)),
                    oracle=best,
                )
            )  # fmt: skip
    values = {
        "name": "ststnet", "protocol": "loso", "mode": mode, "classes": CLASSES,
        "recipe": {"model": "ststnet", "epochs": 800, "rate": 5e-5, "sizes": (3, 5, 8)},
        "predictions": tuple(predictions), "environment": environment(), "seconds": 4321.5,
        "hashes": {"labels": "3f" * 32, "inputs": "a7" * 32, "split": "0c" * 32},
        "warnings": (),
    }  # fmt: skip
    return Report(**(values | changes))
