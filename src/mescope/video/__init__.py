"""mescope.video."""
