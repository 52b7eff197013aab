"""The ``sepprune-live`` command: the window, or the same engine without it."""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import multiprocessing
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from sepprune.arguments import LONGEST_RUN_S, check_number
from sepprune.errors import UserError
from sepprune.files import check_destination, write_report
from sepprune.printing import plain_console, print_any_name, print_trimmed

from .engine.controls import Controls
from .engine.protocol import DEMO, NONE, RECORDING_FORMATS, DeviceInfo, Settings
from .options import parser

#: options that set a field of the settings or of their controls; the window uses remembered values for the others
_CHOICES = (
    "input",
    "output",
    "level",
    "ladder",
    "chunk_ms",
    "routing",
    "backend",
    "loop",
    "fallback",
    "precision",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the app; returns its exit status (0 done, 1 internal error, 2 the user's input is wrong)."""
    multiprocessing.freeze_support()
    print_any_name()
    _print_crashes()
    args = parser().parse_args(arguments)
    try:
        return _run(args)
    except UserError as error:
        if args.debug:
            traceback.print_exc()
        _say(str(error))
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _print_crashes() -> None:
    """Let a crash of a library, which ends the process at once, print where it happened; in the engine too."""
    os.environ.setdefault("PYTHONFAULTHANDLER", "1")
    if sys.__stderr__ is not None and not faulthandler.is_enabled():
        faulthandler.enable(sys.__stderr__)


def _run(args: argparse.Namespace) -> int:
    if args.list_devices:
        return _list_devices(args.json)
    if args.blind is not None:
        return _blind(args)
    if args.trials is not None or args.headphone_check:
        option = "--headphone-check" if args.trials is None else "--trials"
        raise UserError(f"{option} belongs to a blind comparison: name two levels with --blind A,B")
    if args.study is not None or args.results is not None:
        return _study(args)
    check_number("--seconds", args.seconds, 0, LONGEST_RUN_S, above=True)
    for option, file in (("--report", args.report), ("--screenshot", args.screenshot), ("--json", args.json)):
        if file is not None:
            check_destination(option, file, (".png",) if option == "--screenshot" else ())
    if args.record is not None:
        _check_folder(args.record)
    if args.round_trip:
        return _round_trip(args)
    headless = args.headless or not _has_display()
    if headless and not args.headless:
        _say("there is no display: running without a window, as with --headless")
    if not headless:
        try:
            from .ui.display import opened_display
            from .ui.main import run
        except ImportError as error:
            _say(f"the window cannot open ({error}): running without it, as with --headless")
            return _headless(args)
        application = opened_display()
        if application is not None:
            given = frozenset(name for name in _CHOICES if getattr(args, name) is not None)
            return run(
                _settings(args, headless=False),
                args.seconds,
                args.report,
                args.screenshot,
                given,
                args.record,
                args.record_format,
            )
        _say(f"{_displays()} does not answer: running without a window, as with --headless")
    return _headless(args)


def _headless(args: argparse.Namespace) -> int:
    from .engine.headless import Session, print_report

    if args.screenshot is not None:
        _say("--screenshot has no effect without a window")
    settings = _settings(args, headless=True)
    outcome = Session(settings, args.seconds, args.record, _say, args.record_format or RECORDING_FORMATS[0]).run()
    if outcome.report is not None:
        for file in filter(None, (args.report, args.json)):
            write_report(file, outcome.report)
        if args.json != "-":  # last: a terminal that was closed takes no more words
            print_report(outcome.report, plain_console())
    if outcome.problem is not None:
        if outcome.report is None or outcome.problem not in outcome.report["notices"]:  # those were said already
            _say(outcome.problem)
        return 2 if outcome.user_caused else 1
    return 130 if outcome.report is None else 0


def _study(args: argparse.Namespace) -> int:
    if args.study is None:
        raise UserError(f"--results is {args.results}, but there is no study: give one with --study STUDY.zip")
    both = set(_CHOICES) - {"output"} | {"seconds", "record", "screenshot", "report", "json", "headless", "round_trip"}
    for option in sorted(both):
        if getattr(args, option) not in (None, False):
            raise UserError(f"--study shows the pages of a listening test only: leave out --{option.replace('_', '-')}")
    if args.output == NONE:
        raise UserError(f"--output is {NONE}, but a listening test must be heard: name headphones, or leave it out")
    if not _has_display():
        raise UserError("a listening test needs a window, and there is no display: run it on a desktop")
    try:
        from .ui.display import opened_display
        from .ui.study.main import run_study
    except ImportError as error:
        raise UserError(f"the window cannot open ({error}): install PyQt6 and what it needs") from error
    application = opened_display()  # held while the pages are shown
    if application is None:
        raise UserError(f"a listening test needs a window, and {_displays()} does not answer: run it on a desktop")
    return run_study(Path(args.study), None if args.results is None else Path(args.results), args.output)


def _blind(args: argparse.Namespace) -> int:
    for option in ("study", "level", "fallback", "seconds", "record", "screenshot", "report", "json", "headless"):
        if getattr(args, option) not in (None, False):
            raise UserError(f"--blind shows the pages of a blind comparison only: leave out --{option}")
    for option, wrong, why in (
        ("output", NONE, "a comparison must be heard: name headphones, or leave it out"),
        ("routing", "mixture", "the mixture is the same at every level: choose split, voice1, voice2 or both"),
    ):
        if getattr(args, option) == wrong:
            raise UserError(f"--{option} is {wrong}, but {why}")
    if not _has_display():
        raise UserError("a blind comparison needs a window, and there is no display: run it on a desktop")
    try:
        from .ui.study.live_main import run_live
    except ImportError as error:
        raise UserError(f"the window cannot open ({error}): install PyQt6 and what it needs") from error
    args.output, args.routing, args.loop = args.output or NONE, args.routing or "split", True
    folder = None if args.results is None else Path(args.results)
    return run_live(_settings(args, headless=False), args.blind, args.trials, folder, args.headphone_check)


def _round_trip(args: argparse.Namespace) -> int:
    from .engine.round_trip_session import measure_round_trip

    for option in ("seconds", "record", "screenshot"):
        if getattr(args, option) is not None:
            raise UserError(f"--round-trip only measures: leave out --{option}")
    outcome = measure_round_trip(_settings(args, headless=True), _say)
    if outcome.report is not None:
        if args.json != "-" and outcome.problem is None:
            message = outcome.report["message"]
            print(message[:1].upper() + message[1:])
        for file in filter(None, (args.report, args.json)):
            write_report(file, outcome.report)
    if outcome.problem is not None:
        _say(outcome.problem)
        return 2 if outcome.user_caused else 1
    return 0


def _check_folder(folder: str) -> None:
    """Check before the sound starts whether recordings can be made in a folder."""
    existing = Path(folder).absolute()
    while not existing.exists():
        existing = existing.parent
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        why = "is not writable" if existing.is_dir() else "is a file"
        raise UserError(f"cannot record into {folder}: {existing} {why}, choose another folder")


def _settings(args: argparse.Namespace, headless: bool) -> Settings:
    """Settings, with the system's devices where none were named."""
    input, output = args.input, args.output
    # a window that is not timed uses the devices that it remembers, and shows them
    told = not args.round_trip and (headless or args.seconds is not None)
    if input is None:
        microphone = _default_device("input")
        input = DEMO if microphone is None else microphone.identity
        if microphone is None and told:
            _say("there is no microphone: the demo mixture plays instead")
        elif microphone is not None and output is None and not args.round_trip:
            if told:
                _say(f'"{input}" is not played back, to avoid acoustic feedback: with headphones, choose --output')
            output = NONE
    if output is None:
        from .engine.inputs import is_file

        loudspeaker = _default_device("output") if args.round_trip or is_file(input) else None
        output = NONE if loudspeaker is None else loudspeaker.identity
    return Settings(
        input=input,
        output=output,
        ladder=args.ladder,
        chunk_ms=8.0 if args.chunk_ms is None else args.chunk_ms,
        backend=args.backend or "auto",
        precision=args.precision or "auto",
        threads=args.threads,
        remeasure=args.remeasure,
        controls=Controls(
            level=args.level or 0,
            routing=args.routing or "both",
            fallback=bool(args.fallback),
            loop=(not headless or args.seconds is not None) if args.loop is None else args.loop,
        ),
    )


def _default_device(direction: str) -> DeviceInfo | None:
    from .engine.devices import default_device

    try:
        return default_device(direction)
    except UserError:  # PortAudio is not installed; files and the output none work without it
        return None


def _list_devices(destination: str | None) -> int:
    from dataclasses import asdict

    from rich.table import Table

    from .engine.devices import list_devices

    found = list_devices()
    if destination is not None:
        write_report(destination, {"devices": [asdict(info) for info in found]})
    if destination != "-":
        table = Table("direction", "device", "channels", "rate in Hz", "note")
        for info in found:
            table.add_row(
                info.direction,
                info.identity,
                str(info.channels),
                str(info.rate),
                "the computer's own sound" if info.is_monitor else "",
            )
        print_trimmed(plain_console(), table if found else "There are no audio devices.")
    return 0


def _has_display() -> bool:
    if sys.platform != "linux" or os.environ.get("QT_QPA_PLATFORM"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _displays() -> str:
    """The displays that the environment names."""
    named = (f"{name}={os.environ[name]}" for name in ("DISPLAY", "WAYLAND_DISPLAY") if os.environ.get(name))
    return "the display " + " or ".join(named)


def _say(sentence: str) -> None:
    with contextlib.suppress(OSError):  # the terminal was closed; the session ends with its report all the same
        print(f"sepprune-live: {sentence}", file=sys.stderr, flush=True)
