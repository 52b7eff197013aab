"""How command lines are parsed: what is wrong is said in one sentence."""

from __future__ import annotations

import argparse
import sys
from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """An argument parser that names a mistake and the way to help, without the whole usage; exit status 2."""

    def error(self, message: str) -> NoReturn:
        print(f"{self.prog}: {message}; {self.prog} --help shows every option", file=sys.stderr)
        self.exit(2)


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows defaults that are values, once; what is done without an option that has none, its own help tells."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        if action.default in (None, "", ()) or action.default is False or "(default:" in (action.help or ""):
            return action.help
        return super()._get_help_string(action)
