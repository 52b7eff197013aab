"""Prune a torch module that SepPrune has never seen.

    python examples/prune_a_model.py [--macs 0.5] [--steps 30] [--out plan.json]

The module below is an ordinary encoder, mask, decoder separator. Replace it with yours: it needs no base class and no
edits. The masks are learned on the bundled demo voices; learn yours on your own training data.
It needs the extra `train`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import soundfile
import torch
from torch import Tensor, nn

import sepprune
from sepprune.resources import asset


class MaskSeparator(nn.Module):
    """Two voices by one mask each on a learned filterbank.

    Shape:
        - mixture: ``(batch, samples)``; result: ``(batch, 2, samples)``, where ``samples`` is a multiple of 8
    """

    def __init__(self, filters: int = 128, hidden: int = 256) -> None:
        super().__init__()
        self.encoder = nn.Conv1d(1, filters, 16, stride=8, padding=4)
        self.network = nn.Sequential(
            nn.Conv1d(filters, hidden, 3, padding=1),
            nn.BatchNorm1d(hidden),
            nn.PReLU(),
            nn.Conv1d(hidden, hidden, 3, padding=1),
            nn.PReLU(),
            nn.Conv1d(hidden, 2 * filters, 1),
            nn.Sigmoid(),
        )
        self.decoder = nn.ConvTranspose1d(filters, 1, 16, stride=8, padding=4)

    def forward(self, mixture: Tensor) -> Tensor:
        spectrum = self.encoder(mixture.unsqueeze(1)).relu()
        masks = self.network(spectrum).unflatten(1, (2, -1))
        voices = [self.decoder(masks[:, voice] * spectrum) for voice in range(2)]
        return torch.cat(voices, dim=1)


def batches(seconds: float = 1.0, size: int = 4) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches ``(mixture, references)`` that are cut at random from the bundled demo voices."""
    voices = torch.stack(
        [torch.from_numpy(soundfile.read(asset(f"demo/voice{n}.flac"), dtype="float32")[0]) for n in (1, 2)]
    )
    length, generator = int(16_000 * seconds), torch.Generator().manual_seed(0)
    while True:
        starts = torch.randint(voices.shape[1] - length, (size,), generator=generator).tolist()
        references = torch.stack([voices[:, start : start + length] for start in starts])
        yield references.sum(1), references


def main() -> None:
    parser = argparse.ArgumentParser(description="Prune a small separator of one's own.")
    parser.add_argument("--macs", type=float, default=0.5, help="share of the multiply-adds to keep")
    parser.add_argument("--steps", type=int, default=30, help="batches on which the masks are learned")
    parser.add_argument("--out", default="plan.json", help="file for the pruning plan")
    args = parser.parse_args()

    torch.set_num_threads(1)  # models of this size are faster on one thread
    model = MaskSeparator()  # load your trained weights here
    example = torch.randn(1, 16_000)  # one input of the shape that the model takes: here a second at 16 kHz

    analysis = sepprune.analyze(model, example)
    print(f"dense: {analysis.params:,} parameters, {analysis.macs_per_second / 1e6:.0f} M multiply-adds per second")
    for group in analysis.groups:
        print(f"  {group['channels']} channels shared by {', '.join(group['layers'])}")
    for reason in analysis.blocked:  # channels that are not provably safe to remove stay, and the reason is named
        print(f"  not prunable: {reason}")

    result = sepprune.prune(model, example, macs=args.macs, data=batches(), steps=args.steps)
    print(
        f"pruned: {result.report['params_after']:,} parameters, "
        f"{result.report['macs_after'] / result.report['macs_before']:.1%} of the multiply-adds, "
        f"differs from the masked model by {result.report['max_abs_difference']:.0e}"
    )

    # The plan and the pruned weights are all that is needed to build the pruned model again.
    result.plan.save(args.out)
    again = sepprune.PruningPlan.load(args.out).apply(MaskSeparator())
    again.load_state_dict(result.model.state_dict())
    with torch.inference_mode():
        same = torch.equal(again.eval()(example), result.model.eval()(example))
    print(f"rebuilt from {args.out}: {'the same output' if same else 'a different output'}")


if __name__ == "__main__":
    main()
