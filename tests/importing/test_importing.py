"""Imported separators compute what the other program computes, in a stream, too; what cannot be used is named."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from sepprune.errors import UserError
from sepprune.importing import import_checkpoint
from sepprune.separators import CausalSeparator
from tests.importing.checkpoints import asteroid, espnet

KINDS: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "espnet skim": ("espnet", "skim", {}),
    "espnet skim, hidden states alone": ("espnet", "skim", {"mem_type": "h", "nonlinear": "sigmoid"}),
    "espnet skim, cells alone": ("espnet", "skim", {"mem_type": "c", "nonlinear": "tanh"}),
    "espnet skim, states as they are": ("espnet", "skim", {"mem_type": "id", "num_spk": 3}),
    "espnet skim with a mask of the noise": ("espnet", "skim", {"predict_noise": True}),
    "espnet tcn": ("espnet", "tcn", {}),
    "espnet tcn, batch norms": ("espnet", "tcn", {"norm_type": "BN"}),
    "espnet tcn with a mask of the noise": ("espnet", "tcn", {"predict_noise": True, "num_spk": 3}),
    "espnet tcn, linear masks": ("espnet", "tcn", {"nonlinear": "linear", "pre_mask_nonlinear": "linear"}),
    "asteroid": ("asteroid", None, {}),
    "asteroid, cumulative norms": ("asteroid", None, {"norm_type": "cgLN"}),
    "asteroid without skips": ("asteroid", None, {"skip_chan": 0, "encoder_activation": "relu"}),
    "asteroid, masks that sum to one": ("asteroid", None, {"mask_act": "softmax", "n_src": 3}),
}


def both(kind: str, folder: Path) -> tuple[nn.Module, CausalSeparator]:
    """A separator of the other program, and what is imported from its files."""
    program, separator, changes = KINDS[kind]
    module = asteroid(folder, **changes) if program == "asteroid" else espnet(folder, separator, **changes)
    return module, import_checkpoint(program, str(folder))[0].requires_grad_(False)


def sound(hops: int, hop: int) -> Tensor:
    return 0.1 * torch.randn(2, hops * hop, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("kind", KINDS)
def test_an_imported_separator_computes_what_the_other_program_does_after_silence(kind: str, tmp_path: Path) -> None:
    upstream, imported = both(kind, tmp_path)
    mixture = sound(300, imported.hop)
    expected = upstream(F.pad(mixture, (imported.delay, 0)))[..., : mixture.shape[1]]
    torch.testing.assert_close(imported(mixture)[0], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_that_starts_with_the_first_whole_window_computes_it_from_the_first_sample(
    kind: str, tmp_path: Path
) -> None:
    upstream, imported = both(kind, tmp_path)
    mixture, past = sound(200, imported.hop), imported.past
    state = (mixture[:, :past], *imported.initial_state(2)[1:], torch.tensor(0))
    found, _ = imported(mixture[:, past:], state)
    torch.testing.assert_close(found, upstream(mixture)[..., : found.shape[-1]], rtol=0, atol=1e-5)


@pytest.fixture(scope="module")
def separators(tmp_path_factory: pytest.TempPathFactory) -> dict[str, CausalSeparator]:
    return {kind: both(kind, tmp_path_factory.mktemp("checkpoint"))[1] for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
@given(chunks=st.lists(st.integers(1, 64), min_size=1, max_size=6))
@settings(max_examples=8, deadline=None)
def test_chunks_of_1_to_64_hops_give_the_batch_output(
    kind: str, separators: dict[str, CausalSeparator], chunks: list[int]
) -> None:
    separator = separators[kind]
    mixture = sound(sum(chunks), separator.hop)
    pieces, state = [], None
    for piece in mixture.split([separator.hop * chunk for chunk in chunks], dim=1):
        sources, state = separator(piece, state)
        pieces.append(sources)
    torch.testing.assert_close(torch.cat(pieces, -1), separator(mixture)[0], rtol=0, atol=1e-5)


def test_cumulative_norms_stay_exact_after_hours(separators: dict[str, CausalSeparator]) -> None:
    separator = separators["asteroid, cumulative norms"]
    norm = separator.get_submodule("network.0.expand_norm")
    frames = 1 + torch.randn(1, 24, 40, generator=torch.Generator().manual_seed(3))
    hours, mean, variance = 2.0**26, frames.mean(), frames.var(correction=0)
    state = (torch.tensor([[hours, mean, variance]]),)  # more frames than single precision can count
    after = norm(frames, state)[1][0]
    assert float(after[0, 1]) == pytest.approx(float(mean), rel=1e-6)
    assert float(after[0, 2]) == pytest.approx(float(variance), rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_the_sample_rate_is_that_of_the_training_data(kind: str, separators: dict[str, CausalSeparator]) -> None:
    assert separators[kind].sample_rate == 8000


def test_a_causal_asteroid_separator_with_global_norms_has_the_norms_of_frames_and_a_note(tmp_path: Path) -> None:
    asteroid(tmp_path, norm_type="cLN")
    path = tmp_path / "pytorch_model.bin"
    content = torch.load(path, weights_only=False)
    content["model_args"]["norm_type"] = "gLN"
    torch.save(content, path)
    _, found = import_checkpoint("asteroid", str(tmp_path))
    assert found.settings["norm"] == "frame"
    assert "norm_type 'gLN'; a causal ConvTasNet of Asteroid then uses cLN" in found.notes[0]


def test_unknown_settings_of_asteroid_are_refused(tmp_path: Path) -> None:
    asteroid(tmp_path)
    path = tmp_path / "pytorch_model.bin"
    content = torch.load(path, weights_only=False)
    content["model_args"]["gated"] = True
    torch.save(content, path)
    with pytest.raises(UserError, match="'model_args' of .* has 'gated', which import does not know"):
        import_checkpoint("asteroid", str(tmp_path))


def changed(folder: Path, table: str | None, **entries: Any) -> None:
    path = folder / "config.yaml"
    content = yaml.safe_load(path.read_text())
    (content if table is None else content[table]).update(entries)
    path.write_text(yaml.safe_dump(content))


@pytest.mark.parametrize(
    ("separator", "table", "entries", "reason"),
    [
        ("skim", "separator_conf", {"causal": False}, "its LSTMs run backwards, too"),
        ("skim", "separator_conf", {"seg_overlap": True}, "seg_overlap"),
        ("skim", "separator_conf", {"mem_type": None}, "mem_type"),
        ("tcn", "separator_conf", {"causal": False}, "its convolutions reach into the future"),
        ("tcn", "separator_conf", {"norm_type": "gLN"}, "norm_type gLN .* over the whole recording"),
        ("tcn", "model_conf", {"normalize_variance": True}, "normalize_variance .* standard deviation"),
    ],
)
def test_what_keeps_a_separator_of_espnet_from_streaming_is_named(
    separator: str, table: str, entries: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    espnet(tmp_path, separator)
    changed(tmp_path, table, **entries)
    with pytest.raises(UserError, match=f"cannot stream, since .*{reason}"):
        import_checkpoint("espnet", str(tmp_path))


def test_all_reasons_are_named_beside_another_encoder(tmp_path: Path) -> None:
    espnet(tmp_path, "skim")
    changed(tmp_path, None, encoder="stft", decoder="stft")
    changed(tmp_path, "separator_conf", causal=False, seg_overlap=True)
    with pytest.raises(UserError, match="causal .*; seg_overlap .*; encoder is 'stft' .*; decoder is 'stft'"):
        import_checkpoint("espnet", str(tmp_path))


def test_all_reasons_are_named_at_once(tmp_path: Path) -> None:
    asteroid(tmp_path, causal=False, norm_type="gLN")
    with pytest.raises(UserError, match="causal of model_args is false .*; norm_type 'gLN' .* whole recording"):
        import_checkpoint("asteroid", str(tmp_path))


@pytest.mark.parametrize(
    ("table", "entries", "sentence"),
    [
        (None, {"encoder": "stft"}, "encoder is 'stft' .import reads 'conv'"),
        (None, {"separator": "dprnn"}, "separator is 'dprnn' .import reads skim and tcn"),
        (None, {"train_shape_file": []}, "does not name the sample rate: give it as --sample-rate"),
        ("separator_conf", {"attention": 4}, "has 'attention', which import does not know as a setting"),
        ("separator_conf", {"num_spk": 3}, r"output_fc\.1\.weight .* asks for 96 rows"),
        ("separator_conf", {"unit": 25}, "do not fit their configuration"),
        ("separator_conf", {"layer": 2}, "tensors that its configuration does not explain"),
        ("separator_conf", {"layer": 4}, "lacks the tensor separator.skim.seg_lstms.3.lstm.weight_ih_l0"),
        ("encoder_conf", {"stride": 3}, "use a window of a whole number of hops"),
        ("encoder_conf", {"stride": "4"}, "'stride' '4', expected a whole number"),
    ],
)
def test_a_configuration_that_does_not_fit_is_one_sentence(
    table: str | None, entries: dict[str, Any], sentence: str, tmp_path: Path
) -> None:
    espnet(tmp_path, "skim")
    changed(tmp_path, table, **entries)
    with pytest.raises(UserError, match=sentence) as error:
        import_checkpoint("espnet", str(tmp_path))
    assert "\n" not in str(error.value)


class Trap:
    """Code that reading a pickle would run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("kind", ["espnet", "asteroid"])
def test_no_code_of_a_checkpoint_runs(kind: str, tmp_path: Path) -> None:
    espnet(tmp_path, "skim")
    torch.save({"model_name": Trap(tmp_path / "ran")}, tmp_path / "valid.loss.best.pth")
    with pytest.raises(UserError, match="could run code") as error:
        import_checkpoint(kind, str(tmp_path / "valid.loss.best.pth"))
    assert "weights_only" not in str(error.value)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"no checkpoint", pickle.dumps({"a": 1}), b"PK\3\4", b"\x80\2hello."])
def test_a_file_that_is_no_checkpoint_is_one_sentence(content: bytes, tmp_path: Path) -> None:
    espnet(tmp_path, "skim")
    (tmp_path / "valid.loss.best.pth").write_bytes(content)
    with pytest.raises(UserError, match=r"valid\.loss\.best\.pth") as error:
        import_checkpoint("espnet", str(tmp_path))
    assert "\n" not in str(error.value) and "weights_only" not in str(error.value)


def test_a_text_file_is_no_checkpoint(tmp_path: Path) -> None:
    espnet(tmp_path, "skim")
    (tmp_path / "valid.loss.best.pth").write_text("hello")
    with pytest.raises(UserError, match=r"valid\.loss\.best\.pth is no checkpoint of torch"):
        import_checkpoint("espnet", str(tmp_path))


def test_a_missing_file_is_named_and_not_its_configuration() -> None:
    with pytest.raises(UserError, match=r"there is no file or folder nope\.pth"):
        import_checkpoint("espnet", "nope.pth")


WHOLE = torch.zeros(64, 32, 1)


@pytest.mark.parametrize(
    ("tensor", "sentence"),
    [
        (WHOLE.to_sparse(), "is not dense"),
        (WHOLE.to("meta"), "has a shape but no values"),
        (WHOLE.to(torch.complex64), "has complex values"),
        (torch.zeros(1).expand(10**10), "has 10000000000 values"),
        (WHOLE[:5], r"has the shape \(5, 32, 1\), its configuration asks for 64 rows"),
        (torch.tensor(0.0), r"has the shape \(\), its configuration asks for 64 rows"),
    ],
)
@pytest.mark.parametrize(("separator", "name"), [("skim", "skim.output_fc.1"), ("tcn", "tcn.network.4")])
def test_a_tensor_that_cannot_be_used_is_one_sentence(
    separator: str, name: str, tensor: Tensor, sentence: str, tmp_path: Path
) -> None:
    weights = espnet(tmp_path, separator).state_dict()
    weights[f"separator.{name}.weight"] = tensor
    torch.save(weights, tmp_path / "valid.loss.best.pth")
    with pytest.raises(UserError, match=f"separator.{name}.weight .*{sentence}") as error:
        import_checkpoint("espnet", str(tmp_path))
    assert "\n" not in str(error.value)


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    module = espnet(tmp_path, "tcn")
    weights = module.state_dict()
    weights["encoder.conv1d.weight"][0] = float("nan")
    torch.save(weights, tmp_path / "valid.loss.best.pth")
    with pytest.raises(UserError, match=r"encoder\.conv1d\.weight .* is not finite"):
        import_checkpoint("espnet", str(tmp_path))


def test_a_folder_with_several_files_of_weights_asks_for_one(tmp_path: Path) -> None:
    espnet(tmp_path, "tcn")
    (tmp_path / "40epoch.pth").write_bytes((tmp_path / "valid.loss.best.pth").read_bytes())
    with pytest.raises(UserError, match=r"has 2 files of weights \(40epoch\.pth, valid\.loss\.best\.pth\)"):
        import_checkpoint("espnet", str(tmp_path))
    import_checkpoint("espnet", str(tmp_path / "40epoch.pth"))


@pytest.mark.parametrize("content", [b"\x80\x02X\x05", b"\x80\x02R."], ids=["cut off", "empty stack"])
def test_a_damaged_pickle_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(content)
    with pytest.raises(UserError, match=r"cannot read the checkpoint .*pytorch_model.bin, since it is damaged"):
        import_checkpoint("asteroid", str(tmp_path))
