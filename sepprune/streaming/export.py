"""A level as files that other programs run."""

from __future__ import annotations

from pathlib import Path

from .buffers import BufferedStep
from .ladder import Level
from .onnx_backend import OnnxRuntime
from .onnx_conversion import FILES as _ONNX_FILES
from .onnx_conversion import convert
from .openvino_backend import OpenVino

#: format -> file names of the step and, for levels with a segment, of its upkeep; OpenVINO puts a .bin beside each
FILES = {"openvino": ("step.xml", "end_segment.xml"), "onnx": _ONNX_FILES}


def export_files(level: Level, samples: int, format: str, folder: Path) -> BufferedStep:
    """Write a level's graphs for chunks of ``samples`` samples into ``folder``.

    Args:
        level: to write.
        samples: of a chunk, whole hops.
        format: a key of :data:`FILES`, which names the files.
        folder: for the files.

    Returns:
        the step, compiled from the files that were written.

    Raises:
        UserError: the level's files are damaged, or the format needs a package that is missing.
    """
    if format == "onnx":
        convert(level, samples, folder)
        return OnnxRuntime().load({path.name: path.read_bytes() for path in folder.iterdir()}, samples)
    from .openvino_graphs.graphs import Graphs
    from .openvino_library import core, openvino

    backend = OpenVino()
    for graph, name in zip(backend.graphs(level, samples), FILES[format], strict=True):
        if graph is not None:
            openvino.save_model(graph, folder / name, compress_to_fp16=False)
    step, end = (core().read_model(folder / name) if (folder / name).is_file() else None for name in FILES[format])
    return backend.compile_graphs(Graphs(step, end), samples)
