"""Where the sound server plays the streams of a process, read from what ``pactl list`` prints."""

from __future__ import annotations

from app.engine.sound_server import Moves, Place, can_be_asked, is_change, places

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


def test_output_and_input_of_the_process_are_found_with_the_names_of_their_devices() -> None:
    assert places(LISTING, 15421) == {
        "output": Place("speaker", "Loudspeakers of the room"),
        "input": Place("mic", "Microphone"),
    }


def test_a_process_without_sound_has_no_place() -> None:
    assert places(LISTING, 99) == places("", 15421) == places("Connection failure", 15421) == {}


def test_two_devices_of_the_same_kind_can_be_told_apart() -> None:
    one, other, third = (Place(name, kind) for name, kind in (("a", "USB"), ("b", "USB"), ("c", "Hall")))
    assert (one.words(other), other.words(one), one.words(third)) == ("USB (a)", "USB (b)", "USB")


def test_without_a_server_nothing_is_asked(monkeypatch, tmp_path) -> None:
    monkeypatch.delenv("PULSE_SERVER", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert not can_be_asked()


def test_of_several_streams_the_newest_one_tells_the_place() -> None:
    anew = '\n\nSink Input #11\n\tSink: 7\n\tProperties:\n\t\tapplication.process.id = "15421"\n'
    assert places(LISTING + anew, 15421)["output"].name == places(anew + LISTING, 15421)["output"].name == "headset"


def test_an_output_that_is_moved_is_told_until_it_is_back() -> None:
    hall, headset = Place("hall", "Hall"), Place("usb", "Headset")
    moves = Moves()
    assert moves.sentences({"output": hall}) == []
    moved = ["the sound server has moved the output from “Hall” to “Headset”"]
    assert moves.sentences({"output": headset}) == moves.sentences({"output": headset, "input": hall}) == moved
    assert moves.sentences({"output": hall}) == []


def test_the_first_device_is_remembered_while_there_is_no_stream() -> None:
    hall, headset = Place("hall", "Hall"), Place("usb", "Headset")
    moves = Moves()
    assert moves.sentences({}) == moves.sentences({"output": hall}) == moves.sentences({}) == []
    assert moves.sentences({"output": headset}) == ["the sound server has moved the output from “Hall” to “Headset”"]


def test_changes_of_streams_are_told_from_others() -> None:
    assert is_change("Event 'change' on sink-input #3") and is_change("Event 'new' on source-output #1")
    assert not is_change("Event 'change' on client #3")
