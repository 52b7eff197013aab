"""The window with a ladder of an imported separator at 8 kHz."""

from app.engine.process import EngineProcess
from app.engine.protocol import Settings
from app.ui.engine_link import RUNNING
from app.ui.settings import Preferences
from app.ui.window import MainWindow
from tests.app.conftest import speech_like

#: milliseconds; long, because other programs may use the machine
PATIENCE_MS = 1_200_000


def test_the_slider_switches_levels_while_sound_runs_at_8_khz(qtbot, narrowband, sound):
    settings = Settings(str(sound(speech_like(2.0))), "none", str(narrowband), backend="openvino")
    window = MainWindow(EngineProcess(settings), Preferences())
    qtbot.addWidget(window)
    window.show()
    window.start()
    qtbot.waitUntil(lambda: window.link.state == RUNNING, timeout=PATIENCE_MS)
    assert window.level.slider.maximum() == 2
    for level in (2, 0):
        window.level.slider.setValue(level)
        qtbot.waitUntil(
            lambda wanted=level: wanted in window.link._engine.telemetry.frames_since(0)["level"][-1:],
            timeout=PATIENCE_MS,
        )
    assert window.tracks.sample_rate == 8000
    window.close()
