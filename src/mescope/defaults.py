"""What is taken where nobody chooses; the command line and the functions behind it agree."""

MODEL = "me-tst-plus-cascade"
"""Weights that find expressions in recordings."""

RECOGNISER = "merba-s28"
"""Weights that name one expression."""

SPOTTER = "model"
"""Of :data:`mescope.spotting.SPOTTERS`: the network of the weights."""
