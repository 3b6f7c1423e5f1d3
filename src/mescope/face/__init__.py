"""Faces in pictures: detection, landmarks, crops, openness of the eyes, pose of the head."""
