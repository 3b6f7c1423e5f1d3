"""mescope.reports."""
