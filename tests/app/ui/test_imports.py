import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["app.ui.main", "app.ui.study.main"])
def test_the_window_loads_no_inference_and_no_audio_library(module):
    forbidden = {"torch", "openvino", "onnxruntime", "sounddevice", "soundfile", "sepprune.streaming"}
    code = f"import sys, {module}; print(sorted({forbidden!r} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_engine_loads_no_qt():
    code = "import sys, app.engine.process; print([name for name in sys.modules if name.startswith('PyQt')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
