"""mescope.ops."""
