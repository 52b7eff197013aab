"""Programs that write files until they are killed: ``python -m tests.kill`` runs them."""

from __future__ import annotations

#: each program prints a line when it starts to write, and then writes until it is killed
LADDER = """
import sys, itertools
from pathlib import Path
from tests.streaming.ladders import SETTINGS, random_weights
from sepprune.streaming import LevelRecord, write_ladder
weights = random_weights("skim")
print("ready", flush=True)
for number in itertools.count():
    levels = [LevelRecord("skim", SETTINGS["skim"], None, weights, {"macs_per_second": 1.0})] * (1 + number % 3)
    write_ladder(sys.argv[1] + "/ladder", f"ladder with {len(levels)}", levels)
"""
RECORDING = """
import sys
import numpy as np
from app.engine import recorder
recorder.FLUSH_S = 0.01
recording = recorder.Recorder(sys.argv[1], 16_000, {}, lambda event: None, sys.argv[2])
print("ready", flush=True)
signals = np.tile(np.linspace(-1, 1, 128, dtype=np.float32), (3, 1))
while True:
    recording.put(signals, 0, 0.0, 0.001, 0)
"""
SETTINGS = """
import sys, itertools
from pathlib import Path
from app.ui.settings import Preferences, save_preferences
print("ready", flush=True)
for number in itertools.count():
    save_preferences(Preferences(recordings="x" * (number % 1000)), Path(sys.argv[1]) / "live.json")
"""
CACHE = """
import os, sys, itertools
os.environ["SEPPRUNE_CACHE"] = sys.argv[1]
from sepprune.streaming.cache import cached, forget
print("ready", flush=True)
for number in itertools.count():
    cached("key", lambda folder: (folder / "model").write_bytes(bytes([number % 256]) * 100_000))
    forget("key")
"""
TRAINING = """
import sys, itertools
from pathlib import Path
import torch
from sepprune.training.records import RunFolder
run = RunFolder(Path(sys.argv[1]) / "run")
begun = run.load_checkpoint(torch.device("cpu"))["step"] + 1 if run.has_checkpoint else 0
print("ready", flush=True)
for step in itertools.count(begun):
    weights = {"w": torch.full((50_000,), float(step))}
    line = {"audio_hours": step, "si_sdri": 1.0}
    run.save({"step": step, **weights}, weights, line)
"""
PRUNE = """
import sys, itertools
import torch, sepprune
module = torch.nn.Sequential(torch.nn.Conv1d(1, 16, 16, 8), torch.nn.PReLU(), torch.nn.ConvTranspose1d(16, 2, 16, 8))
results = [sepprune.prune(module, torch.randn(1, 1, 800), macs=share, method="l2") for share in (0.75, 0.5)]
print("ready", flush=True)
for number in itertools.count():
    results[number % 2].save(sys.argv[1] + "/pruned")
"""
PACK = """
import sys, itertools
from pathlib import Path
import numpy as np, soundfile
from sepprune.data.collection import Collection
from sepprune.data.pack import write_packs
data = Path(sys.argv[1]) / "data"
(data / "speech").mkdir(parents=True, exist_ok=True)
rows = ["split,corpus,speaker,path"]
for number in range(20):
    soundfile.write(data / f"speech/{number}.wav", np.full(8_000, number / 20), 16_000)
    rows.append(f"train,corpus,s{number},speech/{number}.wav")
(data / "manifest.csv").write_text("\\n".join(rows))
print("ready", flush=True)
for number in itertools.count():
    write_packs(Collection(data), [Path(sys.argv[1]) / "a.pack"], 0.1 + 0.02 * (number % 5), validation=False)
"""
SCORES = """
import sys, itertools
from pathlib import Path
from tests.streaming.ladders import small_ladder
from sepprune.streaming import Ladder
from sepprune.streaming.ladder_writer import store_scores
folder = Path(sys.argv[1]) / "ladder"
ladder = Ladder.load(folder) if folder.exists() else small_ladder(folder, "skim")
print("ready", flush=True)
for number in itertools.count():
    store_scores(ladder, "clean", {level: float(number) for level in range(3)})
"""
ANSWERS = """
import sys
from pathlib import Path
from sepprune.study.archive import read_study
from sepprune.study.design import ABX
from sepprune.study.session import start_session
from tests.study.studies import small_study
folder = Path(sys.argv[1])
study = read_study(folder / "abx.zip") if (folder / "abx.zip").exists() else small_study(folder, ABX)
print("ready", flush=True)
while True:
    session = start_session(study, folder / "results", "L1", seed=1)
    while (trial := session.trial()) is not None:
        session.answer("A", plays={label: 1 for label in trial.labels})
"""
