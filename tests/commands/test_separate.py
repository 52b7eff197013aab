from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sepprune.cli import main
from sepprune.streaming import Ladder, StreamingSeparator
from sepprune.streaming.files import separate_signal
from tests.streaming.ladders import babble

ROOT = Path(__file__).resolve().parents[2]
Capture = pytest.CaptureFixture[str]


def separate(ladder: Ladder, recording: Path, out: Path, *more: str) -> int:
    return main(["separate", str(recording), str(ladder.folder), "--out", str(out), "--backend", "torch", *more])


def record(path: Path, samples: np.ndarray, rate: int = 16_000) -> Path:
    soundfile.write(path, samples, rate, subtype="FLOAT")
    return path


def test_the_voices_are_what_the_stream_gives(tcn_ladder: Ladder, tmp_path: Path) -> None:
    assert separate(tcn_ladder, record(tmp_path / "talk.wav", babble(0.3)), tmp_path / "out", "--level", "1") == 0
    expected, _ = separate_signal(StreamingSeparator(tcn_ladder, 1, 8, "torch"), babble(0.3))
    for number, voice in enumerate(expected, 1):
        written, _ = soundfile.read(tmp_path / "out" / f"talk_level1_voice{number}.wav", dtype="float32")
        np.testing.assert_array_equal(written, voice)


def test_the_report_has_the_files_and_the_speed(tcn_ladder: Ladder, tmp_path: Path, capsys: Capture) -> None:
    separate(tcn_ladder, record(tmp_path / "talk.wav", babble(0.3)), tmp_path / "out", "--json", "-")
    report = json.loads(capsys.readouterr().out)
    assert [Path(output).is_file() for output in report["outputs"]] == [True, True]
    assert report["rtf"] > 0 and report["sample_rate"] == 16_000


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (44_100, 2), (48_000, 8)])
def test_any_rate_and_channel_count_keeps_its_duration(
    tcn_ladder: Ladder, tmp_path: Path, rate: int, channels: int
) -> None:
    recording = record(tmp_path / "talk.wav", np.zeros((rate // 2, channels), "f4"), rate)
    separate(tcn_ladder, recording, tmp_path)
    facts = soundfile.info(tmp_path / "talk_voice1.wav")
    assert (facts.frames, facts.samplerate, facts.channels) == (8_000, 16_000, 1)


def test_one_sample_gives_one_sample(tcn_ladder: Ladder, tmp_path: Path) -> None:
    assert separate(tcn_ladder, record(tmp_path / "talk.wav", np.ones(1, "f4")), tmp_path) == 0
    assert soundfile.info(tmp_path / "talk_voice2.wav").frames == 1


def test_samples_that_are_not_finite_are_told(tcn_ladder: Ladder, tmp_path: Path, capsys: Capture) -> None:
    samples = babble(0.1)
    samples[5] = np.nan
    assert separate(tcn_ladder, record(tmp_path / "talk.wav", samples), tmp_path) == 0
    assert "1 sample was not finite and replaced by zero" in capsys.readouterr().err
    assert np.isfinite(soundfile.read(tmp_path / "talk_voice1.wav")[0]).all()


def test_samples_that_are_limited_are_told(tcn_ladder: Ladder, tmp_path: Path, capsys: Capture) -> None:
    samples = babble(0.1)
    samples[5:7] = 20.0
    assert separate(tcn_ladder, record(tmp_path / "talk.wav", samples), tmp_path, "--levels", "0,1") == 0
    assert capsys.readouterr().err.count("2 samples were more than 24 dB beyond full scale and limited") == 1


def test_a_damaged_level_is_told_before_another_one_writes(tcn_ladder: Ladder, tmp_path: Path, capsys: Capture) -> None:
    folder = tmp_path / "ladder"
    shutil.copytree(tcn_ladder.folder, folder)
    (folder / tcn_ladder[1].weights).write_bytes(b"damaged")
    recording = record(tmp_path / "talk.wav", babble(0.1))
    assert separate(Ladder.load(folder), recording, tmp_path / "out", "--levels", "0,1") == 2
    assert "is damaged" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_a_recording_without_the_upper_band_is_told(tcn_ladder: Ladder, tmp_path: Path, capsys: Capture) -> None:
    rate = tcn_ladder.sample_rate // 2
    assert separate(tcn_ladder, record(tmp_path / "call.wav", babble(0.1), rate), tmp_path) == 0
    assert f"{rate} Hz, so it has nothing above {rate / 2000:g} kHz" in capsys.readouterr().err
    voice, _ = soundfile.read(tmp_path / "call_voice1.wav")
    power = np.square(np.abs(np.fft.rfft(voice * np.hanning(len(voice)))))
    assert power[len(power) * 6 // 10 :].sum() < 1e-5 * power.sum()


def test_a_full_disk_leaves_no_folder_that_was_not_there(tcn_ladder: Ladder, tmp_path: Path) -> None:
    recording = record(tmp_path / "talk.wav", babble(1.0))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, before[1]))
        assert separate(tcn_ladder, recording, tmp_path / "out") == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not (tmp_path / "out").exists()


def test_a_chunk_below_one_hop_is_raised_with_a_note(tcn_ladder: Ladder, tmp_path: Path, capsys: Capture) -> None:
    assert separate(tcn_ladder, record(tmp_path / "talk.wav", babble(0.1)), tmp_path, "--chunk-ms", "1") == 0
    assert "rounded up to 2 ms" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, b"", b"no sound"])
def test_what_is_no_recording_is_one_sentence(
    tcn_ladder: Ladder, tmp_path: Path, capsys: Capture, content: bytes | None
) -> None:
    recording = tmp_path / "talk.wav"
    if content is not None:
        recording.write_bytes(content)
    assert separate(tcn_ladder, recording, tmp_path) == 2
    assert capsys.readouterr().err.startswith("sepprune separate: ")


def test_a_folder_that_cannot_be_made_is_one_sentence(tcn_ladder: Ladder, tmp_path: Path, capsys: Capture) -> None:
    recording = record(tmp_path / "talk.wav", babble(0.1))
    assert separate(tcn_ladder, recording, recording / "below") == 2
    assert "choose another folder with --out" in capsys.readouterr().err


def test_a_second_level_leaves_the_files_of_the_first(tcn_ladder: Ladder, tmp_path: Path) -> None:
    recording = record(tmp_path / "talk.wav", babble(0.1))
    for level in ("0", "1"):
        separate(tcn_ladder, recording, tmp_path / "out", "--level", level)
    names = [f"talk_level{level}_voice{voice}.wav" for level in (0, 1) for voice in (1, 2)]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names


@pytest.mark.parametrize(("levels", "expected"), [("0,2", [0, 2]), ("all", [0, 1, 2])])
def test_several_levels_are_a_list_of_reports(
    tcn_ladder: Ladder, tmp_path: Path, capsys: Capture, levels: str, expected: list[int]
) -> None:
    recording = record(tmp_path / "talk.wav", babble(0.1))
    assert separate(tcn_ladder, recording, tmp_path / "out", "--levels", levels, "--json", "-") == 0
    reports = json.loads(capsys.readouterr().out)
    assert [report["level"] for report in reports] == expected
    outputs = [output for report in reports for output in report["outputs"]]
    assert sorted(outputs) == sorted(map(str, (tmp_path / "out").iterdir())) and len(outputs) == 2 * len(expected)


def test_a_full_disk_is_one_sentence_and_leaves_the_earlier_voices(
    tcn_ladder: Ladder, tmp_path: Path, capsys: Capture
) -> None:
    recording = record(tmp_path / "talk.wav", babble(1.0))
    separate(tcn_ladder, recording, tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        assert separate(tcn_ladder, recording, tmp_path / "out") == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "no space left" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


@pytest.mark.parametrize("name", ["n" * 5000, "folder", "a\0b"])
def test_an_input_that_no_file_can_be_is_one_sentence(
    tcn_ladder: Ladder, tmp_path: Path, capsys: Capture, name: str
) -> None:
    (tmp_path / "folder").mkdir()
    assert separate(tcn_ladder, tmp_path / name, tmp_path / "out") == 2
    assert len(capsys.readouterr().err) < 300


def test_a_folder_is_named_as_one(tcn_ladder: Ladder, tmp_path: Path, capsys: Capture) -> None:
    assert separate(tcn_ladder, tmp_path, tmp_path / "out") == 2
    assert f"{tmp_path} is a folder: give one sound file" in capsys.readouterr().err


def test_a_report_that_cannot_be_written_is_refused_before_the_work(
    tcn_ladder: Ladder, tmp_path: Path, capsys: Capture
) -> None:
    recording, report = record(tmp_path / "talk.wav", babble(0.1)), str(tmp_path / "none" / "r.json")
    assert separate(tcn_ladder, recording, tmp_path / "out", "--json", report) == 2
    assert "there is no folder" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_no_line_ends_in_a_space(tcn_ladder: Ladder, tmp_path: Path, capsys: Capture) -> None:
    separate(tcn_ladder, record(tmp_path / "talk.wav", babble(0.1)), tmp_path / "out")
    assert not [line for line in capsys.readouterr().out.splitlines() if line != line.rstrip()]


def test_a_name_that_looks_like_markup_is_printed_as_it_is(tcn_ladder: Ladder, tmp_path: Path, capsys: Capture) -> None:
    recording = record(tmp_path / "talk[bold red].wav", babble(0.1))
    assert separate(tcn_ladder, recording, tmp_path / "[dim]:key:") == 0
    assert str(tmp_path / "[dim]:key:" / "talk[bold red]_voice1.wav") in capsys.readouterr().out


def test_a_name_that_is_not_utf8_is_separated_and_reported(tcn_ladder: Ladder, tmp_path: Path, capsys: Capture) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav"))
    path.write_bytes(record(tmp_path / "talk.wav", babble(0.1)).read_bytes())
    assert separate(tcn_ladder, path, tmp_path / "out", "--json", str(tmp_path / "report.json")) == 0
    outputs = json.loads((tmp_path / "report.json").read_text())["outputs"]
    assert [Path(output).is_file() for output in outputs] == [True, True]
    assert "caf" in capsys.readouterr().out


def test_an_inverted_channel_is_told_and_separated_like_the_other_alone(
    tcn_ladder: Ladder, tmp_path: Path, capsys: Capture
) -> None:
    voice = babble(0.3)
    separate(tcn_ladder, record(tmp_path / "mono.wav", voice), tmp_path)
    separate(tcn_ladder, record(tmp_path / "stereo.wav", np.stack([voice, -voice], axis=1)), tmp_path)
    mono, stereo = (soundfile.read(tmp_path / f"{name}_voice1.wav")[0] for name in ("mono", "stereo"))
    np.testing.assert_array_equal(mono, stereo)
    assert "cancel each other" in capsys.readouterr().err


def test_sound_from_standard_input_is_separated(tcn_ladder: Ladder, tmp_path: Path) -> None:
    with open(record(tmp_path / "talk.wav", babble(0.3)), "rb") as file:
        command = [sys.executable, "-m", "sepprune", "separate", "-", str(tcn_ladder.folder), "--backend", "torch"]
        subprocess.run([*command, "--out", str(tmp_path)], stdin=file, cwd=ROOT, check=True, capture_output=True)
    assert soundfile.info(tmp_path / "stdin_voice1.wav").frames == 4_800
