"""mescope.training."""
