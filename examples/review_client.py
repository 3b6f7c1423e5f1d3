"""Ask a running `mescope app` for what was found and what people made of it.

    python examples/review_client.py http://127.0.0.1:8765/

Needs no package but Python's own; with a token, send the header `Authorization: Bearer TOKEN`.
"""

import json
import sys
from urllib.request import urlopen

api = sys.argv[1].rstrip("/") + "/api/recordings"
for video in json.load(urlopen(api)):
    marks = json.load(urlopen(f"{api}/{video['id']}/marks"))
    for mark in marks["detections"] + marks["annotations"]:
        print(video["name"], mark["first"], mark["last"], mark["emotion"], mark["status"])
