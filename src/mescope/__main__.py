"""``python -m mescope`` is the command line, for where ``mescope`` is not on the path."""

from mescope.cli import main

if __name__ == "__main__":
    main()
