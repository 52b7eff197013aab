"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from typing import TypeVar

from ..checked import shown
from ..errors import UserError
from ..streaming import Ladder

Number = TypeVar("Number", int, float)


def add_ladder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ladder", nargs="?", help="ladder folder (default: the bundled ladder)")


def add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="built-in separator (skim, skim:hidden=128), folder that sepprune import or sepprune ladder wrote (its "
        "dense level), or FILE.py:FACTORY",
    )


def add_level(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--level", type=int, default=0, help="level number: 0 is dense, higher numbers are lighter")


def add_stream(parser: argparse.ArgumentParser, precision: str = "auto") -> None:
    parser.add_argument("--chunk-ms", type=float, default=8.0, help="chunk duration in ms, rounded up to whole hops")
    parser.add_argument("--backend", default="auto", help="openvino, onnxruntime, torch, cuda or auto")
    parser.add_argument(
        "--precision",
        default=precision,
        help="fp32, bf16, int8 or auto. auto: with --backend auto the fastest precision measured on this machine; with "
        "other backends fp32 (default: %(default)s)",
    )


def add_threads(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--threads", type=int, default=1, help="processor threads that share a chunk")


def chosen_levels(text: str | None, ladder: Ladder) -> list[int]:
    """Level numbers from text such as ``0,2``; all levels for ``None`` or ``all``. Their files are checked.

    Raises:
        UserError: a word is no number, the ladder has no such level, or files of one are missing or damaged.
    """
    if text is None or text == "all":
        numbers = list(range(len(ladder.levels)))
    else:
        numbers = numbers_of("--levels", text, int, "level numbers", "0,2")
    levels = [ladder[number] for number in numbers]
    for level in levels:  # before the first of them does anything
        level.check()
    return [level.level for level in levels]


def numbers_of(option: str, text: str, kind: type[Number], what: str, example: str) -> list[Number]:
    """Numbers from text in which commas join them, each once.

    Args:
        option: that the text was given for.
        text: such as ``8,16``.
        kind: ``int`` or ``float``.
        what: what the numbers are, for the error.
        example: correct text, for the error.

    Raises:
        UserError: a word is no such number.
    """
    try:
        return list(dict.fromkeys(kind(word) for word in text.split(",")))
    except (ValueError, OverflowError) as error:
        raise UserError(f"{option} {shown(text)} is no list of {what}: write for example {example}") from error
