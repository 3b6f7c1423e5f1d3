"""Recordings in, motion of facial regions out: reading, faces, regions, ROI flow, cache."""
