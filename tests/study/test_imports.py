"""What listening tests may import."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import sepprune.study

FORBIDDEN = {"torch", "PyQt6", "sounddevice", "app", "sepprune.pruning", "sepprune.training", "sepprune.ladders"}


def test_studies_know_no_torch_window_sound_device_pruning_or_training() -> None:
    names = [one.name for one in pkgutil.walk_packages(sepprune.study.__path__, "sepprune.study.")]
    assert len(names) > 20
    script = f"import sys, {', '.join(names)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not FORBIDDEN & set(done.stdout.split())
