"""Packages that only some commands need: which extra installs them, and the sentence if one is missing."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from .errors import UserError

_DISTRIBUTION = "sepprune-live"
#: module -> the extras that install it, the usual one first; the base installation has everything else
_EXTRAS: dict[str, tuple[str, ...]] = {
    "torch": ("train", "onnx", "metrics", "import"),
    "torchmetrics": ("train", "metrics"),
    "scipy": ("train", "study"),
    "matplotlib": ("train",),
    "threadpoolctl": ("train",),
    "pyroomacoustics": ("train",),
    "onnxruntime": ("onnx",),
    "onnx": ("onnx",),
    "onnxscript": ("onnx",),
    "pystoi": ("metrics",),
    "pesq": ("metrics",),
    "pyloudnorm": ("study",),
    "av": ("media",),
    "huggingface_hub": ("import",),
    "yaml": ("import",),
}

#: module -> its package, where that has another name
_PACKAGES = {"yaml": "pyyaml"}


def package_of(module: str) -> str:
    """The package to install for a module."""
    return _PACKAGES.get(module, module)


def installed(module: str) -> bool:
    """Whether a top-level module can be imported. It is not imported: torch alone takes seconds."""
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):  # an import hook forbids it
        return False


def require(module: str, extra: str, purpose: str) -> None:
    """Check that a package of an extra is installed.

    Args:
        module: name under which it is imported.
        extra: one of the optional dependencies in ``pyproject.toml``.
        purpose: what needs it, the beginning of the sentence.

    Raises:
        UserError: it is not installed; the sentence names the package, the extra and the command.
    """
    if not installed(module):
        raise UserError(_sentence(module, extra, purpose))


def explained(error: ModuleNotFoundError, purpose: str, wanted: str = "") -> UserError | None:
    """The sentence of :func:`require` for an import that failed, ``None`` where no extra has the module.

    Args:
        error: as it was raised.
        purpose: what needed the module, the beginning of the sentence.
        wanted: the extra that is named if it has the module.
    """
    module = (error.name or "").partition(".")[0]
    extras = _EXTRAS.get(module)
    if extras is None:
        return None
    return UserError(_sentence(module, wanted if wanted in extras else extras[0], purpose))


def _sentence(module: str, extra: str, purpose: str) -> str:
    return (
        f"{purpose} needs the package {package_of(module)}, which is not installed: "
        f"install the extra {extra!r} with {install_command(extra)}"
    )


def install_command(extra: str) -> str:
    """The command that installs an extra: ``run.py`` in a checkout, else pip."""
    if (Path(__file__).resolve().parents[1] / "run.py").is_file():
        return f"python3 run.py setup {extra}"
    return f"pip install '{_DISTRIBUTION}[{extra}]'"
