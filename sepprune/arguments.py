"""Command lines: parsing with errors of one sentence, help that shows defaults, and limits of numbers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from .checked import shown
from .errors import UserError

#: seconds that a measurement or a session of a given length takes at most: a day
LONGEST_RUN_S = 24 * 3600
#: minutes that a training takes at most: a year
LONGEST_TRAINING_MIN = 366 * 24 * 60
#: the largest whole number, seeds included, that has no narrower limit: a float holds it exactly
LARGEST_WHOLE = 2**53


def check_number(
    option: str, value: float | None, low: float, high: float, unit: str = "", above: bool = False
) -> None:
    """Refuse a number outside of its limits, infinities and NaN included.

    Args:
        option: that the number was given for.
        value: the number, ``None`` where the option was not given.
        low, high: limits, which are allowed themselves.
        unit: of the number, for the error.
        above: whether ``low`` itself is refused.

    Raises:
        UserError: the number is not within the limits.

    >>> check_number("--seconds", float("inf"), 0, 60, "seconds", above=True)
    Traceback (most recent call last):
    sepprune.errors.UserError: --seconds inf is not possible: give more than 0 and at most 60 seconds
    """
    if value is None or (low < value if above else low <= value) and value <= high:
        return
    given = shown(value) if isinstance(value, int) else f"{value:g}"
    limits = f"more than {low} and at most {high}" if above else f"{low} to {high}"
    raise UserError(f"{option} {given} is not possible: give {limits}{unit and f' {unit}'}")


class Parser(argparse.ArgumentParser):
    """An argument parser whose error is one sentence that points to the help, without the usage; exit status 2."""

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message}; {self.prog} --help shows every option", file=sys.stderr)
        self.exit(2)

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Parse a command line. An unknown option is an error of the subcommand, whose help is the one to read."""
        found, unknown = self.parse_known_args(arguments)
        if unknown:
            self._chosen(found).error(f"unrecognized arguments: {' '.join(unknown)}")
        return found

    def _chosen(self, found: argparse.Namespace) -> Parser:
        """The parser of the innermost subcommand that was named."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                chosen = action.choices.get(str(getattr(found, action.dest, None)))
                if isinstance(chosen, Parser):
                    return chosen._chosen(found)
        return self


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Appends the default to the help of an option where it is a value; otherwise the help text states the default."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default in (None, "", ()) or action.default is False or "(default:" in (action.help or ""):
            return action.help
        return super()._get_help_string(action)
