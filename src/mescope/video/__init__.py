"""Decoding: a file, a folder of pictures or an array becomes frames with exact times."""
