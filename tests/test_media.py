"""Every way in for sound: containers of phones, pipes, odd names, many channels; and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from sepprune import media
from sepprune.errors import UserError
from sepprune.media import blocks, open_sound

RATE = 16_000
TONE = (0.5 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE)).astype(np.float32)


def written_by_av(path: Path, codec: str, format: str, samples: np.ndarray = TONE) -> Path:
    """``(samples,)`` at 16 kHz as a phone or a browser would store it."""
    with av.open(str(path), "w", format=format) as container:
        track: Any = container.add_stream(codec, rate=RATE)
        track.layout = "mono"
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate = RATE
        for part in (frame, None):
            container.mux(track.encode(part))
    return path


def read(path: str | Path) -> tuple[np.ndarray, int]:
    """All samples, and the rate."""
    sound = open_sound(path)
    try:
        return np.concatenate(list(blocks(sound, 1000))), sound.rate
    finally:
        sound.close()


def frequency(samples: np.ndarray, rate: int) -> float:
    """The strongest frequency, in hertz."""
    return float(np.abs(np.fft.rfft(samples)).argmax() * rate / len(samples))


@pytest.mark.parametrize(
    ("name", "codec", "format"),
    [("a.m4a", "aac", "ipod"), ("a.mp4", "aac", "mp4"), ("a.aac", "aac", "adts"), ("a.webm", "libopus", "webm")],
)
def test_containers_of_phones_and_video_calls_are_read(tmp_path: Path, name: str, codec: str, format: str) -> None:
    samples, rate = read(written_by_av(tmp_path / name, codec, format))
    assert len(samples) / rate == pytest.approx(2.0, abs=0.15)
    assert frequency(samples[rate // 2 : rate // 2 + rate, 0], rate) == pytest.approx(440, abs=1)


def test_a_container_is_the_same_after_it_was_rewound(tmp_path: Path) -> None:
    sound = open_sound(written_by_av(tmp_path / "a.m4a", "aac", "ipod"))
    first = np.concatenate(list(blocks(sound, 777)))
    sound.seek(0)
    second = np.concatenate(list(blocks(sound, 5000)))
    sound.close()
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("name", "codec", "format"), [("a.m4a", "aac", "ipod"), ("a.aac", "aac", "adts"), ("a.webm", "libopus", "webm")]
)
def test_a_container_continues_near_the_place_that_is_sought(
    tmp_path: Path, name: str, codec: str, format: str
) -> None:
    rising = np.sin(2 * np.pi * np.cumsum(np.linspace(300, 3300, 6 * RATE)) / RATE)  # 500 Hz higher every second
    sound = open_sound(written_by_av(tmp_path / name, codec, format, 0.5 * rising.astype(np.float32)))
    whole = np.concatenate(list(blocks(sound, 5000)))[:, 0]
    for seconds in (4.0, 1.0, 2.5):
        place = round(seconds * sound.rate)
        sound.seek(place)
        assert sound.position == place
        found = sound.read(sound.rate // 4)[:, 0]
        best = int(np.abs(np.correlate(whole, found)).argmax())
        assert best / sound.rate == pytest.approx(seconds, abs=0.1)
    sound.close()


def test_without_its_package_a_container_is_a_sentence_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written_by_av(tmp_path / "a.m4a", "aac", "ipod")
    monkeypatch.setitem(sys.modules, "av", None)
    monkeypatch.setattr(media, "installed", lambda module: False)
    monkeypatch.setattr("sepprune.extras.installed", lambda module: False)
    with pytest.raises(UserError, match="needs the package av, .* run.py setup media"):
        open_sound(path)


def test_a_playlist_that_names_other_files_is_refused(tmp_path: Path) -> None:
    other = written_by_av(tmp_path / "other.aac", "aac", "adts")
    for name in ("list.m3u8", "list.m4a"):
        (tmp_path / name).write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{other}\n#EXT-X-ENDLIST\n")
        with pytest.raises(UserError, match="is no sound file that can be read"):
            open_sound(tmp_path / name)


def test_a_video_without_sound_is_a_sentence(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "silent.mp4"), "w") as container:
        track: Any = container.add_stream("mpeg4", rate=10)
        track.width = track.height = 16
        track.pix_fmt = "yuv420p"
        for part in (av.VideoFrame(16, 16, "yuv420p"), None):
            container.mux(track.encode(part))
    with pytest.raises(UserError, match="has no sound track"):
        open_sound(tmp_path / "silent.mp4")


def test_a_container_with_more_channels_than_its_reader_can_take_is_a_sentence(tmp_path: Path) -> None:
    [kept] = (Path(__file__).parent / "fuzz" / "kept").glob("containers-*-49-channels")
    with pytest.raises(UserError, match="has 49 channels, expected 1 to 8"):
        open_sound(kept)


@pytest.mark.parametrize("at", [0.1, 0.5, 0.9])
def test_a_container_that_was_cut_off_gives_what_is_left_or_a_sentence(tmp_path: Path, at: float) -> None:
    for format, name in (("ipod", "a.m4a"), ("adts", "a.aac")):
        content = written_by_av(tmp_path / name, "aac", format).read_bytes()
        (tmp_path / name).write_bytes(content[: int(at * len(content))])
        try:
            assert len(read(tmp_path / name)[0]) <= 2.2 * RATE
        except UserError as error:
            assert "\n" not in str(error)


def test_a_name_that_is_not_utf8_is_a_file_like_others(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav"))
    soundfile.write(os.fsencode(path), TONE, RATE, subtype="FLOAT")
    np.testing.assert_array_equal(read(path)[0][:, 0], TONE)


def pipe_into(path: Path, content: bytes) -> threading.Thread:
    """Another program that writes into a named pipe."""
    writer = threading.Thread(target=lambda: path.write_bytes(content), daemon=True)
    writer.start()
    return writer


@pytest.mark.parametrize("format", ["WAV", "FLAC"])
def test_a_named_pipe_gives_what_is_written_into_it(tmp_path: Path, format: str) -> None:
    soundfile.write(tmp_path / "tone", TONE, RATE, format=format)
    os.mkfifo(tmp_path / "pipe")
    writer = pipe_into(tmp_path / "pipe", (tmp_path / "tone").read_bytes())
    samples, rate = read(tmp_path / "pipe")
    writer.join()
    assert rate == RATE and np.abs(samples[:, 0] - TONE).max() < 1e-4


def test_a_pipe_into_which_nothing_is_written_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(media, "_PIPE_S", 0.01)
    with pytest.raises(UserError, match="no program writes into the pipe"):
        open_sound(tmp_path / "pipe")


def test_a_pipe_that_never_ends_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(media, "_LONGEST_PIPE", 2**20)
    with subprocess.Popen(["sh", "-c", f"exec cat /dev/zero > '{tmp_path}/pipe'"], stderr=subprocess.DEVNULL) as zeros:
        with pytest.raises(UserError, match="gives over 1 MB"):
            open_sound(tmp_path / "pipe")
        zeros.kill()


def test_standard_input_is_read(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "tone.wav", TONE, RATE)
    script = "from sepprune.media import open_sound; print(len(open_sound('-').read(10**6)))"
    with open(tmp_path / "tone.wav", "rb") as file:
        said = subprocess.run([sys.executable, "-c", script], stdin=file, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == str(len(TONE))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: None, "there is no sound file"),
        (lambda path: path.write_bytes(b""), "is empty: give a recording that has sound"),
        (lambda path: path.write_text("text"), "is no sound file that can be read"),
        (lambda path: path.symlink_to("/dev/zero"), "there is no sound file"),
        (lambda path: path.symlink_to(path), "there is no sound file"),
    ],
    ids=["folder", "nothing", "empty", "text", "device", "link to itself"],
)
def test_what_is_no_sound_is_one_sentence(tmp_path: Path, make: Callable[[Path], object], sentence: str) -> None:
    make(tmp_path / "thing")
    with pytest.raises(UserError, match=sentence) as error:
        open_sound(tmp_path / "thing")
    assert "\n" not in str(error.value)
