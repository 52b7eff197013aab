"""Public pretrained causal separators as separators of this program.

One file a kind of checkpoint reads its configuration and renames its weights; :mod:`~sepprune.importing.folder` writes
the result. No code of the other program is run: a pickle is read as tensors and plain data alone.
"""

from .checkpoint import Imported
from .folder import KINDS, import_checkpoint

__all__ = ["KINDS", "Imported", "import_checkpoint"]
