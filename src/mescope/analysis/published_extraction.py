"""What imported weights want measured: motion as the code measured it that trained them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mescope.errors import WeightsError
from mescope.motion.regions import regions_named
from mescope.motion.windows import Timing

if TYPE_CHECKING:
    from mescope.models.weights import Card


def published_extraction(card: Card | None, rate: float) -> dict[str, Any]:
    """Return the options of :func:`mescope.motion.roi_flow.extract` that a card asks for.

    Args:
        card: of the weights; None where none are used.
        rate: native frames per second of the recording.

    Returns:
        Nothing for weights of mode ``clean``.  As published: regions, shares, reference, and
        windows of the card's length of every n-th frame, n such that the rate is nearest to
        the card's.

    Raises:
        WeightsError: the card names a region that there is not.
    """
    if card is None or card.mode != "as_published":
        return {}
    try:
        regions = regions_named(card.regions)
    except KeyError as error:
        raise WeightsError(
            f"the card of the weights names the region {error}, which this version does not "
            "know; import the checkpoint again"
        ) from error
    step = max(1, round(rate / card.rate))
    return {
        "mode": "as_published",
        "regions": regions,
        "roi_percent": card.shares,
        "reference": card.reference,
        "timing": Timing(card.window, card.window // 2, step, rate / step),
    }
