"""Scores that anybody can recompute from a table of detections; no torch."""
