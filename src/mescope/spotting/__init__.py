"""From scores or motion to detections; NumPy and SciPy only, so a CSV needs no torch."""
