"""What every test shares: one thread, no window on the screen, real speech where there is some."""

from __future__ import annotations

import os
from pathlib import Path

# before anything imports torch, numpy or Qt
os.environ["OMP_NUM_THREADS"] = "1"
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from hypothesis import settings

# a shared machine is slow now and then, which says nothing about the code
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def shared_data() -> Path | None:
    """Folder of real speech, noise and rooms: ``$SEPPRUNE_DATA``, or ``shared/data`` beside the checkout.

    ``None`` where there is none; a test then uses synthetic speech, such as that of ``assets/demo``.
    """
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("SEPPRUNE_DATA", beside))
    return folder if (folder / "manifest.csv").is_file() else None
