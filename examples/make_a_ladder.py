"""Make a small ladder of your own from the bundled demo voices, in about a minute.

    python examples/make_a_ladder.py [--out my-ladder] [--steps 300]

It trains a tiny causal separator, prunes it to a half and a quarter of its multiply-adds, fine-tunes both, and writes a
ladder folder that every command and the app can load. It shows the parts; for real training use `sepprune train` and
`sepprune ladder`, which do the same with thousands of voices. Two voices of half a minute teach nothing but themselves.
It needs the extra `train`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import soundfile
import torch
from torch import Tensor, nn

import sepprune
from sepprune.losses import pit_snr_loss
from sepprune.resources import asset
from sepprune.separators.calling import delay_of
from sepprune.streaming import LevelRecord, write_ladder

NAME, SETTINGS = "conv-tasnet", {"bottleneck": 32, "hidden": 64, "blocks": 4}


def batches(seed: int, seconds: float = 1.0, size: int = 2) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of mixtures ``(batch, samples)`` and voices ``(batch, 2, samples)``, cut independently at random."""
    voices = [torch.from_numpy(soundfile.read(asset(f"demo/voice{n}.flac"), dtype="float32")[0]) for n in (1, 2)]
    length, generator = int(16_000 * seconds) // 128 * 128, torch.Generator().manual_seed(seed)  # whole hops
    while True:
        starts = torch.randint(len(voices[0]) - length, (size, 2), generator=generator).tolist()
        references = torch.stack(
            [torch.stack([voice[at : at + length] for voice, at in zip(voices, pair, strict=True)]) for pair in starts]
        )
        yield references.sum(1), references


def fit(model: nn.Module, steps: int, learning_rate: float) -> float:
    """Train for so many updates; returns the mean loss of the last ten, a negative SNR in dB."""
    optimiser = torch.optim.Adam(model.parameters(), learning_rate)
    losses, delay = [], delay_of(model)
    for _, (mixture, references) in zip(range(steps), batches(seed=0), strict=False):
        estimate, _state = model.train()(mixture)
        # A causal separator's voices lag the mixture by `delay` samples.
        loss = pit_snr_loss(estimate[..., delay:], references[..., : references.shape[-1] - delay])
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimiser.step()
        losses.append(loss.item())
    return sum(losses[-10:]) / len(losses[-10:])


def main() -> None:
    parser = argparse.ArgumentParser(description="Make a ladder of three small levels.")
    parser.add_argument("--out", default="my-ladder", help="ladder folder to write")
    parser.add_argument("--steps", type=int, default=300, help="training updates of the dense level")
    args = parser.parse_args()

    torch.set_num_threads(1)  # models of this size are faster on one thread
    torch.manual_seed(0)
    dense = sepprune.build_separator(NAME, **SETTINGS)
    print(f"dense: loss {fit(dense, args.steps, 2e-3):.2f} dB")
    dense.eval()
    records = [record(dense, None)]
    for share in (0.5, 0.25):
        result = sepprune.prune(dense, macs=share, data=batches(seed=1), steps=max(10, args.steps // 8))
        pruned = result.model.requires_grad_(True)
        print(f"{share:.0%} of the multiply-adds: loss {fit(pruned, args.steps // 2, 1e-3):.2f} dB")
        records.append(record(pruned.eval(), result.plan))
    ladder = write_ladder(args.out, "demo", records, card={"data": "the bundled demo voices"})

    # Any level of the new ladder streams like those of the bundled one.
    mixture, _rate = soundfile.read(asset("demo/mixture.flac"), dtype="float32")
    with sepprune.StreamingSeparator(ladder, level=2) as stream:
        voices = stream.step(mixture[: stream.chunk])
    print(f"wrote {args.out} with {len(ladder.levels)} levels; one chunk gives voices of shape {voices.shape}")


def record(model: nn.Module, plan: sepprune.PruningPlan | None) -> LevelRecord:
    """What a ladder stores of a level: how to build it, its weights and its cost."""
    facts = {"macs_per_second": sepprune.analyze(model).macs_per_second}
    return LevelRecord(NAME, SETTINGS, plan, model.state_dict(), facts)


if __name__ == "__main__":
    main()
