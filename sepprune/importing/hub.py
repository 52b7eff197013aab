"""Checkpoints by name from the Hugging Face hub."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import UserError
from ..extras import require
from ..files import reason

#: owner and name of a repository of the hub, with a revision after @
_NAME = re.compile(r"[\w.-]+/[\w.!-]+(@[\w.-]+)?")
#: files of a repository that are read: configurations and weights
_PATTERNS = ["*.yaml", "*.pth", "*.bin", "*.pt"]


def is_hub_name(text: str) -> bool:
    """Whether a text that names no file could be a repository of the hub, such as ``owner/name``."""
    return _NAME.fullmatch(text) is not None


def downloaded(name: str) -> Path:
    """The folder of a repository of the hub, downloaded unless it is in the cache of ``huggingface_hub``.

    Raises:
        UserError: the package is missing, there is no network, or there is no such repository.
    """
    require("huggingface_hub", extra="import", purpose=f"downloading {name} from the Hugging Face hub")
    import huggingface_hub  # type: ignore[import-not-found,unused-ignore]  # optional, and absent in the checks

    repository, _, revision = name.partition("@")
    try:
        folder = huggingface_hub.snapshot_download(repository, revision=revision or None, allow_patterns=_PATTERNS)
    except Exception as error:  # the library and those below it raise dozens of kinds
        raise UserError(
            f"there is no file {name}, and the Hugging Face hub does not give it "
            f"({type(error).__name__}: {reason(error)}): check the name and the network, or download the checkpoint "
            "elsewhere and give its file"
        ) from error
    return Path(folder)
