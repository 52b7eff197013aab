"""The desktop app under the name that it has when it is installed.

Only in a checkout, where the app lies in ``app/``; a wheel has the files of ``app/`` here, and not this one.
"""

from pathlib import Path

__path__ = [str(Path(__file__).resolve().parents[1] / "app")]
