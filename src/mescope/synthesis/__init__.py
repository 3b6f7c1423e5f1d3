"""mescope.synthesis."""
