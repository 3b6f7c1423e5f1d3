"""mescope.models."""
