"""mescope.spotting."""
