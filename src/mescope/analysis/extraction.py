"""What weights want measured: motion as it was measured for their training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mescope.errors import WeightsError
from mescope.motion.regions import REGIONS_18, Region, regions_named
from mescope.motion.windows import Timing

if TYPE_CHECKING:
    from mescope.models.card import Card


def extraction_for(card: Card | None, rate: float) -> dict[str, Any]:
    """Return the options of :func:`mescope.motion.roi_flow.extract` that a card asks for.

    Args:
        card: of the weights; None where none are used.
        rate: native frames per second of the recording.

    Returns:
        Of weights of mode ``clean`` their regions.  As published also shares, reference, and
        windows of the card's length of every n-th frame, n such that the rate is nearest to
        the card's.

    Raises:
        WeightsError: the card names a region that there is not.
    """
    if card is None:
        return {}
    if card.mode != "as_published":
        regions = _regions(card)
        return {} if regions in ((), REGIONS_18) else {"regions": regions}
    step = max(1, round(rate / card.rate))
    return {
        "mode": "as_published",
        "regions": _regions(card),
        "roi_percent": card.shares,
        "reference": card.reference,
        "timing": Timing(card.window, card.window // 2, step, rate / step),
    }


def _regions(card: Card) -> tuple[Region, ...]:
    try:
        return regions_named(card.regions)
    except KeyError as error:
        raise WeightsError(
            f"the card of the weights names the region {error}, which this version does not "
            "know; import the checkpoint again"
        ) from error
