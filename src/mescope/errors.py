"""Errors that mean "the input, not the program, is at fault".

Every message says what was expected, what was found and what to do, in one line.  The command
line turns a :class:`MescopeError` into that line and exit status 1; anything else is a bug and
keeps its traceback.
"""


class MescopeError(Exception):
    """Base of every error that a user can correct."""


class VideoError(MescopeError):
    """A recording cannot be opened or read."""


class TooShortError(VideoError):
    """A recording has fewer frames than one window needs."""


class FaceError(MescopeError):
    """A face was needed and there is none."""


class WeightsError(MescopeError):
    """Weights are damaged, of another kind, or unknown."""


class RecipeError(MescopeError):
    """A recipe is misspelt or contradicts itself."""


class DatasetError(MescopeError):
    """A data set folder or sheet is not what its reader expects."""


class LeakError(MescopeError):
    """A split would train and test on the same person."""


class OutputError(MescopeError):
    """A file cannot be written where it was asked for."""
