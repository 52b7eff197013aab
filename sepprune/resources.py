"""Files that come with the package: the ladder, the demo mixture, the icon."""

from __future__ import annotations

from pathlib import Path

from .errors import UserError

_PACKAGE = Path(__file__).resolve().parent


def asset(name: str) -> Path:
    """Path of a file or folder of ``assets/``.

    In a checkout ``assets/`` stands beside the package; an installed wheel carries it inside.

    Args:
        name: path inside ``assets/``, with forward slashes.

    Raises:
        UserError: no asset has this name.

    >>> asset("demo/mixture.flac").name
    'mixture.flac'
    """
    for folder in (_PACKAGE / "assets", _PACKAGE.parent / "assets"):
        if (folder / name).exists():
            return folder / name
    raise UserError(f"no asset is called {name!r}: the installation is incomplete, install sepprune-live again")
