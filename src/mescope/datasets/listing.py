"""What a data set holds, as one number: the same records, the same hash, wherever they lie."""

from __future__ import annotations

import hashlib
import json

from mescope.datasets.base import Checked


def listing_hash(found: Checked) -> str:
    """Return SHA-256 (hex) of the records of a data set, in any order; no picture is read.

    Folders do not count, so that two copies of a data set have one hash; people, names,
    frames, emotions and rates do.
    """
    lines = sorted(
        json.dumps({k: v for k, v in row.items() if k != "path"}, sort_keys=True)
        for row in found.rows()
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
