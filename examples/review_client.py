"""Ask a running `mescope app` for what was found and what people made of it.

    python examples/review_client.py http://127.0.0.1:8765/

Needs no package but Python's own.  A secret is taken from the address, as the app prints it.
"""

import json
import sys
from typing import Any
from urllib.request import Request, urlopen

address, _, secret = sys.argv[1].partition("?token=")
api = address.rstrip("/") + "/api/recordings"


def ask(url: str) -> Any:
    """Return what the app answers."""
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    with urlopen(Request(url, headers=headers)) as answer:
        return json.load(answer)


for video in ask(api):
    marks = ask(f"{api}/{video['id']}/marks")
    for mark in marks["detections"] + marks["annotations"]:
        print(video["name"], mark["first"], mark["last"], mark["emotion"], mark["status"])
