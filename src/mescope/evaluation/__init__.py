"""mescope.evaluation."""
