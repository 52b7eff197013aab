"""Sealing: facts that a listener must not read by accident, in a file that has to carry them.

The program that runs a session must be able to open the seal, so a determined listener can open it too. It keeps the
order and the levels out of sight of text editors, file searches and log files, and it detects damage.
"""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping
from typing import Any

from ..checked import MALFORMED
from ..errors import UserError

_DIGEST = 32
#: sealed text of more than this is refused before it is unpacked; bytes
LARGEST = 64 * 1024 * 1024


def seal(facts: Mapping[str, Any]) -> str:
    """Facts as text that shows nothing of them; equal facts give equal text."""
    content = json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
    digest = hashlib.sha256(content).digest()
    return base64.b64encode(digest + _mask(zlib.compress(content, 9), digest)).decode("ascii")


def unseal(text: str, where: str) -> dict[str, Any]:
    """The facts behind a seal.

    Args:
        text: from :func:`seal`.
        where: what the text was found in, for the error message.

    Raises:
        UserError: the text is no seal or is damaged.
    """
    problem = f"the sealed part of {where} is damaged: copy the file again"
    try:
        sealed = base64.b64decode(text.strip(), validate=True)
        digest, masked = sealed[:_DIGEST], sealed[_DIGEST:]
        unpack = zlib.decompressobj()
        content = unpack.decompress(_mask(masked, digest), LARGEST)
        facts = json.loads(content) if unpack.eof and hashlib.sha256(content).digest() == digest else None
    except (*MALFORMED, zlib.error) as error:
        raise UserError(problem) from error
    if not isinstance(facts, dict):
        raise UserError(problem)
    return facts


def _mask(content: bytes, key: bytes) -> bytes:
    """Exclusive-or with a stream of hashes; applied twice it gives the content again."""
    blocks = range(-(-len(content) // _DIGEST))
    stream = b"".join(hashlib.sha256(key + block.to_bytes(8, "big")).digest() for block in blocks)[: len(content)]
    return (int.from_bytes(content, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(content), "big")
