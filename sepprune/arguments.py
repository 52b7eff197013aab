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
