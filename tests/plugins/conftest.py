"""A plug-in is run when it is named, not when pytest looks for doctests."""

collect_ignore_glob = ["own_*.py"]
