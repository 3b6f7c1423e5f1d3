"""Emotion labels: the classes of the models."""

SPOTTING_CLASSES: tuple[str, ...] = ("negative", "positive", "surprise", "others", "neutral")
"""Classes of the spotting models in the order of their logits; neutral last."""
