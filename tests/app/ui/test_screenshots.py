import subprocess
import sys
from pathlib import Path

import pytest
from PyQt6.QtGui import QImage

from app.ui.screenshots import PICTURES, main

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("scale", [1, 2])
def test_every_picture_is_taken_at_every_scale(ladder, tmp_path, monkeypatch, scale):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setenv("QT_SCALE_FACTOR", str(scale))
    subprocess.run(
        [
            sys.executable,
            "-m",
            "app.ui.screenshots",
            str(tmp_path),
            "--ladder",
            str(ladder),
            "--level",
            "1",
            "--seconds",
            "0.5",
            "--scale",
            str(scale),
        ],
        cwd=ROOT,
        check=True,
        timeout=240,
    )
    ending = "" if scale == 1 else "@2x"
    assert {path.name for path in tmp_path.iterdir()} == {f"{picture.name}{ending}.png" for picture in PICTURES}
    light, dark = (QImage(str(tmp_path / f"{name}{ending}.png")) for name in ("live", "live-dark"))
    assert (light.width(), light.height()) == (1280 * scale, 720 * scale)
    assert (
        light.pixelColor(5, light.height() // 2).lightness()
        > 200
        > 60
        > dark.pixelColor(5, dark.height() // 2).lightness()
    )


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path, capsys):
    assert main([str(tmp_path / "nowhere")]) == 2
    assert "nowhere" in capsys.readouterr().err
