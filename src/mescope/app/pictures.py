"""Pictures that explain: landmarks and regions on a frame, and pairs of frames."""
