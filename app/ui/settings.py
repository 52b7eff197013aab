"""What the window remembers between two starts: one versioned JSON file."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import platformdirs

from ..engine.protocol import RECORDING_FORMATS, ROUTINGS, Settings
from .views.tracks import VIEWS

VERSION = 1


@dataclass(frozen=True)
class Preferences:
    """Everything that is remembered. Sizes in logical pixels, gain in dB, sweep in seconds."""

    input: str = ""
    output: str = ""
    level: int = 0
    routing: str = "split"
    gain_db: float = 0.0
    view: str = VIEWS[0]
    width: int = 1280
    height: int = 720
    presentation: bool = False
    sweep_s: int = 4
    recordings: str = ""
    record_format: str = RECORDING_FORMATS[0]
    loop_file: bool = True
    fallback: bool = False

    def applied_to(self, settings: Settings, given: frozenset[str] = frozenset()) -> Settings:
        """``settings`` with what is remembered, except for the fields in ``given``, which the user has just set."""
        names = ("input", "output", "level", "routing", "gain_db", "loop_file", "fallback")
        remembered = {name: getattr(self, name) for name in names if name not in given and getattr(self, name) != ""}
        return replace(settings, **remembered)


def settings_file() -> Path:
    """``$SEPPRUNE_CONFIG``, or the place where the operating system keeps settings."""
    chosen = os.environ.get("SEPPRUNE_CONFIG")
    return Path(chosen) if chosen else Path(platformdirs.user_config_dir("sepprune", appauthor=False)) / "live.json"


def recordings_folder(preferences: Preferences) -> str:
    """Where recordings go: the chosen folder, or ``SepPrune`` among the user's music."""
    return preferences.recordings or str(Path(platformdirs.user_music_dir()) / "SepPrune")


def load_preferences(path: Path | None = None) -> tuple[Preferences, str | None]:
    """Read the file.

    Returns:
        The preferences, defaults where the file is missing or unfit, and a sentence for the user in the latter case.
    """
    path = path or settings_file()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or content.get("version") != VERSION:
            return Preferences(), f"The settings in {path} are of another version: the window starts with its defaults."
        return _checked(content), None
    except FileNotFoundError:
        return Preferences(), None
    except (OSError, ValueError) as error:
        return Preferences(), f"The settings in {path} cannot be read ({error}): the window starts with its defaults."


def save_preferences(preferences: Preferences, path: Path | None = None) -> None:
    """Write the file whole or not at all.

    Raises:
        OSError: the folder or file cannot be written.
    """
    path = path or settings_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.write_text(json.dumps({"version": VERSION, **asdict(preferences)}, indent=2) + "\n", encoding="utf-8")
    os.replace(draft, path)


def _checked(content: dict[str, Any]) -> Preferences:
    known = {field.name: field for field in fields(Preferences)}
    values = {}
    for name, value in content.items():
        if name in known:
            kind = type(known[name].default)
            if type(value) is not kind and not (kind is float and type(value) is int):
                raise ValueError(f"{name} is {value!r}")
            values[name] = value
    result = Preferences(**values)
    if (
        result.routing not in ROUTINGS
        or result.view not in VIEWS
        or result.level < 0
        or result.record_format not in RECORDING_FORMATS
    ):
        raise ValueError("a value is out of range")
    return result
