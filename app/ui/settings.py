"""What the window remembers between two starts, in one versioned JSON file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import platformdirs

from sepprune.checked import parse_json, read_limited, shown
from sepprune.errors import UserError
from sepprune.files import reason, write_whole

from ..engine.controls import REMEMBERED, ROUTINGS, Controls
from ..engine.protocol import RECORDING_FORMATS, Settings
from .theme import COLOURS
from .views.tracks import VIEWS
from .voice_names import cleaned

VERSION = 1

#: bytes of the file, and characters of a name in it
_LARGEST, _LONGEST = 2**20, 4096

#: lowest and highest value of each number, by its key in the file
_RANGES: dict[str, tuple[Any, Any]] = {  # Any: whole numbers and others
    "level": (0, 63),
    "gain_db": (-120.0, 40.0),
    "width": (100, 32_768),
    "height": (100, 32_768),
    "sweep_s": (1, 3600),
}

#: words that an entry can be
_WORDS = {"routing": ROUTINGS, "view": VIEWS, "record_format": RECORDING_FORMATS, "colours": COLOURS}

#: key in the file of each control that is remembered; the loop has kept its first key, ``loop_file``
_CONTROL_KEYS = {name: "loop_file" if name == "loop" else name for name in REMEMBERED}


@dataclass(frozen=True)
class Preferences:
    """Everything that is remembered.

    Args:
        input, output: as in :class:`~app.engine.protocol.Settings`; empty where none was chosen.
        controls: of which :data:`~app.engine.controls.REMEMBERED` are stored.
        view: one of :data:`~app.ui.views.tracks.VIEWS`.
        width, height: of the window, in logical pixels.
        presentation: whether the window is in presentation mode.
        sweep_s: seconds for each level during a sweep.
        recordings: folder for recordings; empty for the default one.
        record_format: one of :data:`~app.engine.protocol.RECORDING_FORMATS`.
        colours: one of :data:`~app.ui.theme.COLOURS`.
        voice1, voice2: names that the user gave the voices; empty where there is none.
    """

    input: str = ""
    output: str = ""
    controls: Controls = Controls(routing="split")
    view: str = VIEWS[0]
    width: int = 1280
    height: int = 720
    presentation: bool = False
    sweep_s: int = 4
    recordings: str = ""
    record_format: str = RECORDING_FORMATS[0]
    colours: str = COLOURS[0]
    voice1: str = ""
    voice2: str = ""

    def applied_to(self, settings: Settings, given: frozenset[str] = frozenset()) -> Settings:
        """``settings`` with what is remembered.

        Args:
            settings: as the command line gives them.
            given: names of fields of ``settings`` and their controls that the user has just set; these stay.
        """
        remembered = {name: getattr(self.controls, name) for name in REMEMBERED if name not in given}
        return replace(
            settings,
            input=settings.input if "input" in given or not self.input else self.input,
            output=settings.output if "output" in given or not self.output else self.output,
            controls=settings.controls.changed(**remembered),
        )


def settings_file() -> Path:
    """``$SEPPRUNE_CONFIG``, or the file in the operating system's folder for settings."""
    chosen = os.environ.get("SEPPRUNE_CONFIG")
    return Path(chosen) if chosen else Path(platformdirs.user_config_dir("sepprune", appauthor=False)) / "live.json"


def recordings_folder(preferences: Preferences) -> str:
    """Where recordings are stored: the chosen folder, or ``SepPrune`` in the user's music folder."""
    return preferences.recordings or str(Path(platformdirs.user_music_dir()) / "SepPrune")


def load_preferences(path: Path | None = None) -> tuple[Preferences, str | None]:
    """Read the file.

    Returns:
        The preferences, and ``None``. Where the file is missing or not valid: the defaults, and in the second case a
        sentence for the user.
    """
    path = path or settings_file()
    try:
        if not path.exists():
            return Preferences(), None
        content = parse_json(read_limited(path, _LARGEST, "the defaults are used"), path, "the defaults are used")
        if content.get("version") != VERSION:
            return Preferences(), f"The settings in {path} are of another version: the defaults are used."
        return _checked(content), None
    except UserError as error:  # it names the file, and says that the defaults are used
        return Preferences(), f"The settings cannot be used: {error}."
    except (OSError, ValueError) as error:
        return Preferences(), f"The settings in {path} cannot be used ({reason(error)}): the defaults are used."


def save_preferences(preferences: Preferences, path: Path | None = None) -> None:
    """Write the file, whole or not at all.

    Raises:
        OSError: the folder or file cannot be written.
    """
    path = path or settings_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, (json.dumps({"version": VERSION, **_entries(preferences)}, indent=2) + "\n").encode())


def _entries(preferences: Preferences) -> dict[str, Any]:  # Any: values of a JSON object
    entries = asdict(preferences)
    controls = entries.pop("controls")
    return {**entries, **{key: controls[name] for name, key in _CONTROL_KEYS.items()}}


def _checked(content: Mapping[str, Any]) -> Preferences:  # Any: values of a JSON object
    entries = _entries(Preferences())
    for name in entries.keys() & content.keys():
        value, kind = content[name], type(entries[name])
        if type(value) is not kind and not (kind is float and type(value) is int):
            raise ValueError(f"{name} is {shown(value)}")
        low, high = _RANGES.get(name, (None, None))
        if low is not None and not low <= value <= high:
            raise ValueError(f"{name} is {shown(value)}, expected {low} to {high}")
        if name in _WORDS and value not in _WORDS[name]:
            raise ValueError(f"{name} is {shown(value)}, expected {' or '.join(_WORDS[name])}")
        if kind is str and (len(value) > _LONGEST or "\0" in value):
            raise ValueError(f"{name} has {len(value)} characters")
        entries[name] = cleaned(value) if name in ("voice1", "voice2") else value
    controls = {name: entries.pop(key) for name, key in _CONTROL_KEYS.items()}
    return Preferences(controls=Preferences().controls.changed(**controls), **entries)
