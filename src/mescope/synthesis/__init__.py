"""Faces that move on command, with exact truth.

``motion`` (action unit → displacement field) and ``dynamics`` (when a face moves) describe;
``portraits`` and ``drawn`` give faces at rest; ``warp`` moves their pixels, ``render`` makes a
recording of portrait and script, ``encode`` and ``corpus`` write it; ``flow_windows`` skips the
pixels.  Nothing is imported here: each part brings its own libraries.
"""
