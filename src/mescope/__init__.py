"""mescope: find facial micro-expressions in long videos and name their emotion."""

__version__ = "0.1.0"
