"""Every failure a user can meet: one sentence of what is wrong, one of what to do next.

The command layer prints a `DifFaceError` once, as `message` and `hint`, and exits with
`exit_code`; nothing below it prints or exits.
"""

from __future__ import annotations


class DifFaceError(Exception):
    """A failure that is the user's to solve, with the next step in `hint`."""

    exit_code = 2

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(DifFaceError):
    """An option or argument outside its range, or options that exclude each other."""


class ImageError(DifFaceError):
    """A file that is missing, no picture, damaged, or beyond what can be worked on."""


class OutputError(DifFaceError):
    """A result that cannot or must not be written where it was asked for."""


class FaceError(DifFaceError):
    """A face that was asked for and is not there, or cannot be aligned."""


class RecordError(DifFaceError):
    """A record of a run that cannot be read, or from which the run cannot be repeated."""


class RegistryError(DifFaceError):
    """A `models.toml` that cannot be read, or an entry in it that is wrong."""


class WeightsMissing(DifFaceError):
    """Weights that are not on this machine."""


class WeightsInvalid(DifFaceError):
    """Weights whose hash, names, shapes or format are not the expected ones."""


class DeviceError(DifFaceError):
    """A device or precision this machine does not have, or memory that ran out."""
