"""Trains the dense separator of a ladder and its levels on, side by side on one GPU.

    python docs/training/together.py configs/ladder.toml --data DATA --start assets/ladder --out runs/together

The averaged weights are written as level-N.safetensors, whole as a ladder's, and log.csv has the losses.
"""

import argparse
import csv
import dataclasses
import time
from pathlib import Path

import torch
from safetensors.torch import save_file

from sepprune.data.corpus import Collection
from sepprune.ladders.hints import Hints
from sepprune.ladders.make import load_ladder_settings
from sepprune.ladders.weights import load_model, load_weights
from sepprune.pruning import PruningPlan
from sepprune.training.device_mixtures import DeviceMixtures
from sepprune.training.mixtures import load_sounds
from sepprune.training.together import Learner, Together


def main() -> None:
    args = _arguments()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    settings = load_ladder_settings(args.settings, args.data)
    training = settings.training
    mixtures = dataclasses.replace(training.mixtures, batch=args.batch, seconds=args.seconds, rooms=args.rooms)
    torch.manual_seed(args.seed)
    began = time.monotonic()
    sounds = load_sounds(Collection(args.data), "train", mixtures)
    device_mixtures = DeviceMixtures(mixtures, sounds).to(device)
    print(
        f"{sounds.speech.hours:.2f} h of {len(sounds.speech)} speakers, ready after {time.monotonic() - began:.0f} s",
        flush=True,
    )
    learners = [_learner(settings, args, level, device) for level in map(int, args.levels.split(","))]
    together = Together(device_mixtures, learners[0], learners[1:])
    together.prepare()
    print(f"prepared after {time.monotonic() - began:.0f} s", flush=True)
    _train(together, args, mixtures.batch * mixtures.seconds / 3600)


def _train(together: Together, args: argparse.Namespace, hours: float) -> None:
    args.out.mkdir(parents=True, exist_ok=True)
    learners, began, limit = [together.dense, *together.students], time.monotonic(), args.minutes * 60
    saved = written = began
    with (args.out / "log.csv").open("w", newline="") as file:
        log = csv.writer(file)
        log.writerow(["steps", "seconds", "audio_hours", *(f"loss_{level}" for level in args.levels.split(","))])
        for updates in together.run(lambda: max(0.0, 1 - (time.monotonic() - began) / limit)):
            now = time.monotonic()
            if now - written >= args.log_seconds:
                losses = [f"{learner.mean_loss():.3f}" for learner in learners]
                log.writerow([updates, f"{now - began:.1f}", f"{updates * hours:.2f}", *losses])
                file.flush()
                print(f"{updates} updates, {updates * hours:.1f} h: {' '.join(losses)}", flush=True)
                written = now
            if now - saved >= args.save_seconds:
                _save(args, learners)
                saved = now
    _save(args, learners)


def _save(args: argparse.Namespace, learners: list[Learner]) -> None:
    for level, learner in zip(args.levels.split(","), learners, strict=True):
        state = {name: value.cpu().contiguous() for name, value in learner.average.state_dict().items()}
        save_file(state, args.out / f"level-{level}.safetensors")


def _learner(settings, args: argparse.Namespace, level: int, device: torch.device) -> Learner:
    training = settings.training
    weights = args.start / f"level-{level}.safetensors" if args.start else None
    separator = load_model(dataclasses.replace(training.model, weights=None if level or not weights else str(weights)))
    hints = None
    if level:
        plan = PruningPlan.load(args.start / f"level-{level}.plan.json")
        hints = Hints(separator, plan, training.hints) if training.hints else None
        separator = plan.apply(separator)
        load_weights(separator, weights)
    rate = args.dense_rate if not level else args.level_rate * settings.learning_rates[level - 1]
    optimiser = dataclasses.replace(
        training.optimiser,
        learning_rate=rate,
        precision=args.precision,
        ema=args.ema,
        frozen=("encoder", "low_encoder", "decoder"),
    )
    return Learner(separator.to(device), optimiser, training.imitation if level else 0.0, hints, training.hint_weight)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("settings", help="TOML file of the ladder")
    parser.add_argument("--data", required=True, help="data folder or pack")
    parser.add_argument(
        "--start",
        type=Path,
        help="ladder folder with plans and weights to go on from; without it the "
        "dense separator starts from fresh weights, alone",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for weights and log")
    parser.add_argument("--levels", default="0,1,2,3,4,5,6,7", help="the dense one first")
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=4.0, help="of a mixture")
    parser.add_argument("--rooms", type=int, default=300, help="simulated ones")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32", help="fp32 uses TF32 products")
    parser.add_argument("--dense-rate", type=float, default=1.5e-3, help="step size, falls to 0")
    parser.add_argument("--level-rate", type=float, default=1.25, help="factor on the levels' step sizes")
    parser.add_argument("--ema", type=float, default=0.999)
    parser.add_argument("--seed", type=int, default=27)
    parser.add_argument("--log-seconds", type=float, default=20.0)
    parser.add_argument("--save-seconds", type=float, default=100.0)
    args = parser.parse_args()
    if args.start is None and args.levels != "0":
        parser.error("levels are made of a ladder: name one as --start, or train --levels 0 alone")
    return args


if __name__ == "__main__":
    main()
