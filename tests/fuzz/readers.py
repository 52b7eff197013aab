"""Everything that reads a file of somebody else: good files of it, and how it is read."""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from app.engine.clock import VirtualClock
from app.engine.sources import FileSource
from app.ui.settings import Preferences, load_preferences, save_preferences
from sepprune.bench.compare import compare, read_side
from sepprune.bench.laptops import laptops_page, machines
from sepprune.commands.study import _times
from sepprune.comparison.settings import load_comparison_settings
from sepprune.data import decoded
from sepprune.data.collection import Collection
from sepprune.data.mixtures import MixtureFiles
from sepprune.data.pack import write_packs
from sepprune.data.sound import read_at_rate
from sepprune.data.speakers import speakers_of
from sepprune.errors import UserError
from sepprune.ladders.settings import load_ladder_settings
from sepprune.pruning.plan import PruningPlan
from sepprune.resources import asset
from sepprune.separators import build_separator
from sepprune.separators.weights import load_weights
from sepprune.streaming import Ladder, cache, calibration
from sepprune.streaming.files import read_mono
from sepprune.study.archive import read_study
from sepprune.study.design import ABX
from sepprune.study.results import read_result
from sepprune.study.session import start_session
from sepprune.study.texts import questions_of
from sepprune.training.settings import load_settings
from tests.bench.test_compare import report
from tests.fuzz.model_readers import model_readers
from tests.fuzz.reader import Reader
from tests.streaming.ladders import SETTINGS, babble, small_ladder
from tests.study.studies import answer_somehow, small_study
from tests.test_media import written_by_av

ROOT = Path(__file__).resolve().parents[2]


def readers(folder: Path) -> list[Reader]:
    """All readers; their good files are made in ``folder``, which must be empty."""
    return [
        *_ladders(folder),
        *_settings(folder),
        *_caches(folder),
        *_data(folder),
        *_sounds(folder),
        *_studies(folder),
        *model_readers(folder),
    ]


def _ladders(folder: Path) -> list[Reader]:
    ladder = small_ladder(folder / "ladder", "conv-tasnet")
    weights = (ladder.folder / ladder.levels[0].weights).read_bytes()
    module = build_separator("conv-tasnet", **SETTINGS["conv-tasnet"])
    index, loaded = ladder.folder / "ladder.json", folder / "loaded.safetensors"

    def read_ladder() -> None:
        level = Ladder.load(ladder.folder).levels[0]
        level.arrays()
        level.build()

    plans = tuple(path.read_bytes() for path in sorted(asset("ladder").glob("level-[67].plan.json")))
    return [
        Reader("ladder", "json", index, (index.read_bytes(),), read_ladder),
        Reader("plan", "json", folder / "plan.json", plans, lambda: PruningPlan.load(folder / "plan.json")),
        Reader("weights", "bytes", loaded, (weights,), lambda: load_weights(module, loaded)),
    ]


def _settings(folder: Path) -> list[Reader]:
    save_preferences(Preferences(input="microphone", recordings="/music"), folder / "live.json")

    def read_preferences() -> None:
        preferences, problem = load_preferences(folder / "live.json")
        assert problem is None or preferences == Preferences(), "unfit settings are not the defaults"

    def toml(name: str, pattern: str, read: Callable[[str], object]) -> Reader:
        good = tuple(path.read_bytes() for path in sorted(ROOT.glob(pattern)))
        return Reader(name, "text", folder / f"{name}.toml", good, lambda: read(str(folder / f"{name}.toml")))

    return [
        Reader("app settings", "json", folder / "live.json", ((folder / "live.json").read_bytes(),), read_preferences),
        toml("training settings", "configs/skim*.toml", load_settings),
        toml("ladder settings", "configs/ladder.toml", load_ladder_settings),
        toml("comparison settings", "experiments/comparison/*.toml", load_comparison_settings),
    ]


def _caches(folder: Path) -> list[Reader]:
    entry = folder / "entry"
    entry.mkdir()
    (entry / "model").write_bytes(b"model")
    cache._store(entry, {"model": b"model"})
    trial = {"level": 0, "backend": "openvino", "precision": "fp32", "p50_ms": 0.1, "agreement_db": math.inf}
    ladder = Ladder.load()
    measured = folder / "converted" / calibration._key(ladder, 128, 1)
    measured.mkdir(parents=True)

    def read_trials() -> None:
        digest = hashlib.sha256((measured / "trials.json").read_bytes()).hexdigest()
        (measured / "files.json").write_text(json.dumps({"trials.json": digest}))  # changed by hand, hash and all
        calibration.measured(ladder, 128)

    samples = io.BytesIO()
    np.save(samples, np.zeros(100, np.int16))
    (folder / "samples.npy").write_bytes(samples.getvalue())
    index = {"versions": "1", "sha256": decoded._hash(folder / "samples.npy"), "groups": [[[0, 50], [50, 100]]]}

    def read_decoded() -> None:
        found = decoded._read(folder / "samples.npy", folder / "decoded.json", "1")
        for group in found[1] if found else ():
            for start, stop in group:
                assert found is not None and len(found[0][start:stop]) == stop - start, "spans outside of the samples"

    files = entry / "files.json"
    return [
        Reader("calibration", "json", measured / "trials.json", (json.dumps([trial]).encode(),), read_trials, 0.3),
        Reader("cache", "json", files, (files.read_bytes(),), lambda: cache._read(entry)),
        Reader("decoded voices", "json", folder / "decoded.json", (json.dumps(index).encode(),), read_decoded),
    ]


def _data(folder: Path) -> list[Reader]:
    data = folder / "data"
    rows = ["split,corpus,speaker,path"]
    for number in range(3):
        path = data / f"speech/{number}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, babble(0.1), 16_000)
        rows.append(f"{'valid' if number == 2 else 'train'},corpus,s{number},speech/{number}.flac")
    manifest = ("\n".join(rows) + "\n").encode()
    (data / "manifest.csv").write_bytes(manifest)
    write_packs(Collection(data), [folder / "good.pack"], 1.0)

    def read_all(location: Path) -> None:
        collection = Collection(location)
        for recording in collection.recordings("train", "speech"):
            read_at_rate(collection.read(recording.path), 16_000, recording.path)

    pack = (folder / "good.pack").read_bytes()
    names = ("a", "b")
    mixtures = [MixtureFiles(name, folder / "set" / "clean" / "mix" / f"{name}.wav", ()) for name in names]
    (folder / "set" / "clean" / "mix").mkdir(parents=True)
    speakers = b"condition,name,speaker1,speaker2\nclean,a,s1,s2\nclean,b,s3,s1\nnoisy,a,s1,s2\n"
    listed = folder / "set" / "info.csv"
    return [
        Reader("speakers", "text", listed, (speakers,), lambda: speakers_of(mixtures)),
        Reader("manifest", "text", data / "manifest.csv", (manifest,), lambda: read_all(data)),
        Reader("pack", "zip", folder / "a.pack", (pack,), lambda: read_all(folder / "a.pack")),
    ]


def _sounds(folder: Path) -> list[Reader]:
    samples, good, containers = babble(0.05), [], []
    for format, subtype in (
        *(("WAV", "PCM_16"), ("WAV", "FLOAT"), ("WAV", "IMA_ADPCM"), ("FLAC", "PCM_16"), ("OGG", "VORBIS")),
        *(("MP3", "MPEG_LAYER_III"), ("AIFF", "PCM_24"), ("AU", "ULAW"), ("W64", "PCM_16"), ("CAF", "ALAC_16")),
    ):
        file = io.BytesIO()
        soundfile.write(file, np.stack([samples, samples], axis=1), 16_000, format=format, subtype=subtype)
        good.append(file.getvalue())
    for name, codec, format in (("m4a", "aac", "ipod"), ("aac", "aac", "adts"), ("webm", "libopus", "webm")):
        containers.append(written_by_av(folder / f"good.{name}", codec, format, samples).read_bytes())

    def play(path: Path) -> None:
        source = FileSource(path, 128, 16_000, VirtualClock(), loop=True)
        try:
            for _ in range(20):
                source.wait(1.0)
                source.read()
        finally:
            source.close()

    def read(path: Path) -> None:
        read_mono(path, 16_000)
        play(path)

    return [
        Reader("sound files", "bytes", folder / "sound", tuple(good), lambda: read(folder / "sound"), 2.0),
        Reader("containers", "bytes", folder / "film", tuple(containers), lambda: read(folder / "film"), 0.3),
    ]


def _studies(folder: Path) -> list[Reader]:
    study = small_study(folder, ABX, items=2)
    session = start_session(study, folder / "results", "L1", seed=1)
    for _ in range(3):
        trial = session.trial()
        assert trial is not None
        answer_somehow(session, trial)
    result = next((folder / "results").glob("session-*")).read_bytes()
    (folder / "report.json").write_text(json.dumps(report(1)))
    reports = (folder / "report.json").read_bytes()

    def read_stimuli() -> None:
        found = read_study(folder / "a.zip")
        for name in list(found.files.values())[:2]:
            found.samples(name)

    def compare_reports() -> None:
        side = read_side(folder / "report.json")
        compare(side, side)

    def tabulate_reports() -> None:
        laptops_page(machines(folder / "table.json"), "command")

    times = {"rows": [{"level": level, "chunk_ms": 8.0, "p50_ms": 0.1 + level} for level in range(3)]}
    bench, questions = folder / "bench.json", folder / "questions.txt"
    asked = b"# after the training\nage: How old are you?\nhearing: Do you hear well?\n"
    return [
        Reader("chunk times", "json", bench, (json.dumps(times).encode(),), lambda: _times(str(bench), None), 0.5),
        Reader("questionnaire", "text", questions, (asked,), lambda: questions_of(questions), 0.5),
        Reader("study", "zip", folder / "a.zip", (study.path.read_bytes(),), read_stimuli, 0.5),
        Reader("answers", "lines", folder / "session", (result,), lambda: read_result(folder / "session")),
        Reader("latency report", "json", folder / "report.json", (reports,), compare_reports, 0.2),
        Reader("table of machines", "json", folder / "table.json", (reports,), tabulate_reports, 0.2),
    ]


def check_sentence(error: UserError) -> None:
    """A message for the user is one sentence of bearable length."""
    text = str(error)
    assert text and "\n" not in text and len(text) < 1500, f"the message is no sentence: {text[:300]!r}"
