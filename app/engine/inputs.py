"""What the name of an input means: a device, or a sound file."""

from __future__ import annotations

from pathlib import Path

from sepprune.media import open_sound

from .protocol import DEMO

#: endings by which a file that does not exist is told from a device that does not exist
SOUND_SUFFIXES = frozenset(
    f".{name}"
    for name in "wav flac ogg opus mp3 aiff aif au caf w64 raw m4a mp4 aac mov 3gp webm mka mkv wma amr".split()
)


def is_file(wanted: str) -> bool:
    """Whether an input names a file, real or not, rather than a device."""
    path = Path(wanted)
    is_folder = path.is_dir() and path.name != wanted  # a device may have the name of something in this folder
    return wanted == DEMO or path.is_file() or path.is_fifo() or is_folder or path.suffix.lower() in SOUND_SUFFIXES


def check_input(wanted: str) -> None:
    """Find out whether an input is there, without using it.

    Raises:
        UserError: there is no such file or device, or the file is no sound.
    """
    if not is_file(wanted):
        from .devices import find_device

        find_device(wanted, "input")
    elif wanted != DEMO and not Path(wanted).is_fifo():  # what is read from a pipe is gone
        open_sound(wanted, whole=False).close()
