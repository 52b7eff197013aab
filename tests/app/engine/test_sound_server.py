"""Where the sound server plays the streams of a process, read from what ``pactl list`` prints."""

from __future__ import annotations

from app.engine.sound_server import Place, can_be_asked, places

LISTING = """Module #0
\tName: module-native-protocol-unix

Sink #0
\tState: RUNNING
\tName: speaker
\tDescription: Loudspeakers of the room
\tProperties:
\t\tdevice.description = "Loudspeakers of the room"

Sink #7
\tName: headset
\tDescription: Headset

Source #7
\tName: mic
\tDescription: Microphone

Sink Input #2
\tDriver: protocol-native.c
\tClient: 13
\tSink: 0
\tProperties:
\t\tmedia.name = "ALSA Playback"
\t\tapplication.process.id = "15421"

Sink Input #3
\tSink: 7
\tProperties:
\t\tapplication.process.id = "1"

Sink Input #4
\tSink: n/a
\tProperties:
\t\tapplication.process.id = "15421"

Source Output #2
\tSource: 7
\tProperties:
\t\tapplication.process.id = "15421"

Client #13
\tProperties:
\t\tapplication.process.id = "15421"
"""


def test_streams_of_the_process_are_found_with_the_names_of_their_devices() -> None:
    assert places(LISTING, 15421) == {
        ("output", 2): Place("output", "speaker", "Loudspeakers of the room"),
        ("input", 2): Place("input", "mic", "Microphone"),
    }


def test_a_process_without_sound_has_no_place() -> None:
    assert places(LISTING, 99) == places("", 15421) == places("Connection failure", 15421) == {}


def test_two_devices_of_the_same_kind_can_be_told_apart() -> None:
    one, other, third = (Place("output", name, kind) for name, kind in (("a", "USB"), ("b", "USB"), ("c", "Hall")))
    assert (one.words(other), other.words(one), one.words(third)) == ("USB (a)", "USB (b)", "USB")


def test_without_a_server_nothing_is_asked(monkeypatch, tmp_path) -> None:
    monkeypatch.delenv("PULSE_SERVER", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert not can_be_asked()
