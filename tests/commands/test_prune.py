"""``sepprune prune``: JSON for programs, one sentence for a mistake, files only on success."""

from __future__ import annotations

import argparse
import json
import resource
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file

from sepprune.cli import main
from sepprune.commands.prune import add_arguments
from sepprune.commands.prune_data import batches
from sepprune.errors import UserError
from sepprune.models import load_named
from sepprune.pruning import PruningPlan, prepare

SMALL = "conv-tasnet:bottleneck=12,hidden=16/12,blocks=2,hop=8,window=16,analysis_window=32"
FACTORY = """
from torch import nn

class Separator(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = nn.Conv1d(1, 16, 16, 8), nn.ConvTranspose1d(16, 2, 16, 8)
        self.network = nn.Sequential(nn.Conv1d(16, 20, 1), nn.PReLU(20), nn.Conv1d(20, 16, 1))

    def forward(self, x):
        return self.decoder(self.network(self.encoder(x)))

def make():
    return Separator()

number = 3
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for index in range(3):
        sources = 0.1 * random.normal(size=(2, 1600))
        for name, signal in (("mix", sources.sum(0)), ("s1", sources[0]), ("s2", sources[1])):
            (tmp_path / "data" / name).mkdir(parents=True, exist_ok=True)
            soundfile.write(tmp_path / "data" / name / f"{index}.wav", signal, 16_000)
    return tmp_path / "data"


def test_prune_learns_from_a_folder_and_writes_a_model_and_the_plan_that_makes_it(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert (
        main(
            [
                "prune",
                SMALL,
                "--macs",
                "0.6",
                "--data",
                str(data),
                "--steps",
                "3",
                "--seconds",
                "0.05",
                "--batch",
                "2",
                "--out",
                str(out),
                "--json",
                "-",
            ]
        )
        == 0
    )
    report = json.loads(capsys.readouterr().out)
    assert {
        "method",
        "params_before",
        "params_after",
        "macs_before",
        "macs_after",
        "groups",
        "max_abs_difference",
        "seed",
    } <= report.keys()
    assert sorted(path.name for path in out.iterdir()) == ["model.safetensors", "plan.json", "report.json"]
    model = PruningPlan.load(out / "plan.json").apply(load_named(SMALL))
    model.load_state_dict(load_file(out / "model.safetensors"))
    assert sum(parameter.numel() for parameter in model.parameters()) == report["params_after"]


def write_set(root: Path, name: str) -> None:
    """Three short mixtures of a prepared set, in its own layout."""
    random = np.random.default_rng(0)
    for index in range(3):
        sources = 0.1 * random.normal(size=(2, 1600))
        files = {
            "lrs2-2mix": [f"wav16k/min/tr/{part}/{index}.wav" for part in ("mix", "s1", "s2")],
            "libri2mix": [f"wav16k/min/train-100/{part}/{index}.wav" for part in ("mix_clean", "s1", "s2")],
            "wham": [f"wav16k/min/tr/{part}/{index}.wav" for part in ("mix_clean", "s1", "s2")],
            "echoset": [f"train/a/{index}/{part}.wav" for part in ("mix", "spk1_reverb", "spk2_reverb")],
        }[name]
        for path, signal in zip(files, (sources.sum(0), *sources), strict=True):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(root / path, signal, 16_000)


@pytest.mark.parametrize("name", ["lrs2-2mix", "libri2mix", "wham", "echoset"])
def test_prepared_sets_give_batches_of_whole_hops_by_the_seed(name: str, tmp_path: Path) -> None:
    write_set(tmp_path, name)
    first, again, other = (first_batch(tmp_path, name, seed) for seed in (0, 0, 1))
    mixture, references = first
    assert mixture.shape == (2, 800) and references.shape == (2, 2, 800)
    assert torch.allclose(references.sum(1), mixture, atol=1e-4)
    assert torch.equal(mixture, again[0]) and not torch.equal(mixture, other[0])


def first_batch(root: Path, name: str, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    found = batches(arguments(root, name, seed), 8)
    assert found is not None
    return next(iter(found))


def arguments(root: Path, name: str, seed: int) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(
        [
            "skim",
            "--macs",
            "0.5",
            "--out",
            "out",
            "--data",
            str(root),
            "--dataset",
            name,
            "--seconds",
            "0.0501",
            "--batch",
            "2",
            "--seed",
            str(seed),
        ]
    )


def test_prune_learns_from_a_prepared_set(tmp_path: Path) -> None:
    write_set(tmp_path / "set", "lrs2-2mix")
    assert (
        main(
            [
                "prune",
                SMALL,
                "--macs",
                "0.6",
                "--method",
                "taylor",
                "--data",
                str(tmp_path / "set"),
                "--dataset",
                "lrs2-2mix",
                "--seconds",
                "0.05",
                "--batch",
                "2",
                "--out",
                str(tmp_path / "out"),
            ]
        )
        == 0
    )


def test_a_factory_in_a_file_is_pruned_at_the_input_shape_it_takes(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(FACTORY)
    assert (
        main(
            [
                "prune",
                f"{tmp_path / 'mine.py'}:make",
                "--params",
                "0.6",
                "--method",
                "l2",
                "--sample-rate",
                "800",
                "--out",
                str(tmp_path / "out"),
            ]
        )
        == 0
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["unknown"], "no separator is called"),
        ([SMALL + ",depth=3"], "no setting 'depth'"),
        (["skim:hidden"], "not NAME=NUMBER"),
        (["mine.py"], "names no factory"),
        (["none.py:make"], "no file none.py"),
        (["{folder}/mine.py:absent"], "no function 'absent'"),
        (["{folder}/mine.py:number"], "no function 'number'"),
        ([SMALL, "--macs", "0.001"], "cannot be met"),
        ([SMALL, "--method", "sepprune"], "name them with --data"),
        ([SMALL, "--method", "magic"], "no pruning method"),
        ([SMALL, "--weights", "none.safetensors"], "cannot read the weights"),
        ([SMALL, "--weights", "{folder}/mine.py"], "cannot read the weights"),
        ([SMALL, "--weights", "{folder}/other.safetensors"], "do not fit"),
        ([SMALL, "--method", "taylor", "--data", "{folder}"], "neither mixtures nor a manifest.csv: give a folder"),
        ([SMALL, "--method", "taylor", "--data", "{folder}/none"], "none does not exist: give a folder with mix/"),
        ([SMALL, "--include", "nothing"], "no layer of"),
        ([SMALL, "--steps", "0"], "--steps 0 is not possible: give 1 to 9007199254740992"),
        ([SMALL, "--seconds", "nan"], "--seconds nan is not possible: give more than 0 and at most 600"),
        ([SMALL, "--batch", "1" + "0" * 30], f"--batch 1{'0' * 30} is not possible: give 1 to 1024 mixtures"),
        ([SMALL, "--seed", "-1"], "--seed -1 is not possible: give 0 to 9007199254740992"),
        ([SMALL, "--round-to", "9" * 20], "is not possible: give 1 to 9007199254740992"),
        ([SMALL, "--narrowest", "8"], "give a positive one, with --whole-branches"),
        ([SMALL, "--method", "taylor", "--dataset", "wham"], "name its folder with --data"),
        ([SMALL, "--method", "taylor", "--dataset", "wsj", "--data", "{folder}"], "no prepared set is called 'wsj'"),
        ([SMALL, "--method", "taylor", "--dataset", "wham", "--data", "{folder}"], "has no folder"),
    ],
)
def test_a_mistake_exits_2_with_one_sentence_and_writes_nothing(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from safetensors.torch import save_file

    (tmp_path / "mine.py").write_text(FACTORY)
    save_file({"weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    arguments = [word.replace("{folder}", str(tmp_path)) for word in arguments]
    arguments += [] if "--macs" in arguments else ["--macs", "0.6"]
    arguments += [] if "--method" in arguments else ["--method", "l1"]
    out = tmp_path / "out"
    assert main(["prune", *arguments, "--out", str(out)]) == 2
    error = capsys.readouterr().err.strip()
    assert words in error and "Traceback" not in error
    assert not out.exists()


def test_layers_are_named_where_no_pattern_matches() -> None:
    module = load_named(SMALL)
    with pytest.raises(UserError, match="matches include nothing: its layers are [a-z_]+") as caught:
        prepare(module, include=["nothing"])
    assert any(name in str(caught.value) for name, _ in module.named_modules() if name)


def test_mixtures_reach_a_separator_at_its_own_rate(tmp_path: Path) -> None:
    signals = {"mix": tone(1000), "s1": tone(1000), "s2": tone(1000)}
    for part, signal in signals.items():
        (tmp_path / part).mkdir()
        soundfile.write(tmp_path / part / "a.wav", signal, 16_000, subtype="FLOAT")
    given = {"dataset": None, "data": str(tmp_path), "sample_rate": 8000, "seconds": 1.0, "batch": 1}
    given |= {"method": "sepprune", "seed": 0}
    data = batches(argparse.Namespace(**given), 8)
    assert data is not None
    [(mixture, references)] = list(data)
    spectrum = np.abs(np.fft.rfft(mixture[0].numpy()))
    assert references.shape == (1, 2, 8000) and int(spectrum.argmax()) == 1000


def tone(frequency: float) -> np.ndarray:
    """A second at 16 kHz."""
    return 0.1 * np.sin(2 * np.pi * frequency * np.arange(16_000) / 16_000)


def test_random_weights_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prune", SMALL, "--macs", "0.6", "--method", "l1", "--out", str(tmp_path / "out")]) == 0
    assert "weights of conv-tasnet" in capsys.readouterr().err


def test_a_data_folder_without_the_split_says_what_its_manifest_needs(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("split,corpus,speaker,path\ntest,c,one,speech/one.wav\n")
    given = argparse.Namespace(**{**vars(arguments(tmp_path, "wham", 0)), "dataset": None})
    with pytest.raises(UserError, match="needs lines with the split train and a path that starts with speech/"):
        batches(given, 8)


def test_a_full_disk_is_one_sentence_and_leaves_the_result_before(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["prune", SMALL, "--macs", "0.6", "--method", "l1", "--out", str(tmp_path / "out")]
    assert main(command) == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, limits[1]))
    try:
        assert main(command) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "no space left" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
