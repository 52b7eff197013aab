"""Checkpoints as other programs write them, of the public configurations with fewer channels and random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import yaml
from torch import nn

from tests.importing.upstream import AsteroidConvTasNet, Encoded, EspnetSkiM, EspnetTCN


def trained(module: nn.Module) -> nn.Module:
    """The module in use, with random weights and statistics away from where they start."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in module.named_parameters():
            if name.endswith(("gamma", "beta")) or weight.numel() == 1:
                weight.add_(0.2 * torch.randn(weight.shape, generator=generator))
        for name, buffer in module.named_buffers():
            if name.endswith("running_mean"):
                buffer.copy_(0.2 * torch.randn(buffer.shape, generator=generator))
            elif name.endswith("running_var"):
                buffer.copy_(0.5 + torch.rand(buffer.shape, generator=generator))
    return module.eval().requires_grad_(False)


#: of the public causal SkiM for WSJ0-2mix at 8 kHz, with fewer units
SKIM = {
    "causal": True,
    "num_spk": 2,
    "predict_noise": False,
    "nonlinear": "relu",
    "layer": 3,
    "unit": 24,
    "segment_size": 30,
    "dropout": 0.05,
    "mem_type": "hc",
    "seg_overlap": False,
}
#: of the public causal TCN, with fewer channels
TCN = {
    "num_spk": 2,
    "predict_noise": False,
    "layer": 4,
    "stack": 2,
    "bottleneck_dim": 16,
    "hidden_dim": 24,
    "kernel": 3,
    "causal": True,
    "norm_type": "cLN",
    "nonlinear": "relu",
    "pre_mask_nonlinear": "prelu",
}
#: of Asteroid's ConvTasNet made causal, with fewer channels
CONV_TASNET = {
    "fb_name": "FreeFB",
    "n_filters": 32,
    "kernel_size": 16,
    "stride": 8,
    "sample_rate": 8000.0,
    "in_chan": 32,
    "out_chan": 32,
    "bn_chan": 16,
    "hid_chan": 24,
    "skip_chan": 12,
    "conv_kernel_size": 3,
    "n_blocks": 4,
    "n_repeats": 2,
    "n_src": 2,
    "norm_type": "cLN",
    "mask_act": "sigmoid",
    "causal": True,
    "encoder_activation": None,
}
BASIS, WINDOW, HOP = 32, 8, 4


def espnet(folder: Path, separator: str, **changes: Any) -> nn.Module:
    """An ESPnet separator, written to ``folder`` as ESPnet does: ``config.yaml`` and ``valid.loss.best.pth``."""
    torch.manual_seed(0)
    conf = (SKIM if separator == "skim" else TCN) | changes
    inner = {key: value for key, value in conf.items() if key not in ("num_spk",)}
    network = (EspnetSkiM if separator == "skim" else EspnetTCN)(BASIS, conf["num_spk"], **inner)
    module = trained(Encoded(BASIS, WINDOW, HOP, network))
    torch.save(module.state_dict(), folder / "valid.loss.best.pth")
    filters = {"channel": BASIS, "kernel_size": WINDOW, "stride": HOP}
    config = {
        "encoder": "conv",
        "encoder_conf": filters,
        "separator": separator,
        "separator_conf": conf,
        "decoder": "conv",
        "decoder_conf": filters,
        "model_conf": {"loss_type": "si_snr"},
        "train_shape_file": ["exp/enh_stats_8k/train/speech_mix_shape"],
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return module


def asteroid(folder: Path, **changes: Any) -> nn.Module:
    """A ConvTasNet of Asteroid, written to ``folder`` as Asteroid does: ``pytorch_model.bin``."""
    torch.manual_seed(0)
    args = CONV_TASNET | changes
    module = trained(AsteroidConvTasNet(**args))
    content = {
        "model_name": "ConvTasNet",
        "state_dict": module.state_dict(),
        "model_args": args,
        "infos": {"software_versions": {"torch_version": torch.__version__}},
    }
    torch.save(content, folder / "pytorch_model.bin")
    return module
