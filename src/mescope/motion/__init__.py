"""From faces to motion: optical flow, facial regions, and their flow window by window."""
