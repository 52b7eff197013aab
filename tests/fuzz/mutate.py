"""Makes damaged and hostile files out of good ones: bytes, JSON values, words of TOML and CSV, members of zip files."""

from __future__ import annotations

import io
import json
import random
import re
import warnings
import zipfile
from typing import Any

#: values that have broken readers before
HOSTILE: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 0.5, -0.0, 1e-300, 1e300, 2**31, 2**40, 2**63, 10**40, 12_000, 200_000),
    *(float("nan"), float("inf"), float("-inf"), "", "0", "x", "\0", "\n", "../../secret", "/etc/passwd", "ä" * 300),
    *("\ud800", "a" * 5000, "CON", [], {}, [[]], {"": None}, [None] * 1000, list(range(300)), [[[[[[1]]]]]]),
)
#: the same for TOML and CSV, as text
WORDS = (
    *("0", "-1", "1e999", "nan", "inf", "-inf", "true", "'x'", "[]", "{}", "[[]]", "9" * 400, "2" * 5000, '""', "\0"),
    *("1979-05-27", '"' + "a" * 5000 + '"', "[" * 2000, "\xff", "=", ",", "\n", "[x]", "../../secret", "{ a = 1 }"),
)
_NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutated(content: bytes, kind: str, chance: random.Random) -> bytes:
    """A variant of a file.

    Args:
        content: a good file.
        kind: ``json``, ``lines`` (a JSON object each), ``text`` (TOML, CSV), ``zip`` or ``bytes``.
        chance: decides everything.
    """
    if kind == "json" and chance.random() < 0.8:
        return _json(content, chance)
    if kind == "lines" and chance.random() < 0.8:
        lines = content.splitlines(keepends=True)
        place = chance.randrange(len(lines))
        return b"".join([*lines[:place], _json(lines[place], chance) + b"\n", *lines[place + 1 :]])
    if kind == "text" and chance.random() < 0.8:
        return _text(content, chance)
    if kind == "zip" and chance.random() < 0.7:
        return _zip(content, chance)
    for _ in range(chance.choice((1, 1, 1, 2, 4, 16))):
        content = _bytes(content, chance)
    return content


def _json(content: bytes, chance: random.Random) -> bytes:
    try:
        data = json.loads(content)
    except ValueError:
        return _bytes(content, chance)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        data = _changed(data, chance)
    if chance.random() < 0.02:
        return b"[" * 100_000
    return json.dumps(data).encode("utf-8", "surrogatepass")


def _changed(data: Any, chance: random.Random) -> Any:
    """The data with one node changed, somewhere."""
    if isinstance(data, dict) and data and chance.random() < 0.9:
        key = chance.choice(list(data))
        action = chance.random()
        if action < 0.1:
            return {name: value for name, value in data.items() if name != key}
        if action < 0.15:
            return {**data, str(chance.choice(HOSTILE)): data[key]}
        return {**data, key: _changed(data[key], chance)}
    if isinstance(data, list) and data and chance.random() < 0.85:
        place, action = chance.randrange(len(data)), chance.random()
        if action < 0.1:
            return data[:place] + data[place + 1 :]
        if action < 0.2:
            return data * chance.choice((2, 50))
        return [*data[:place], _changed(data[place], chance), *data[place + 1 :]]
    if isinstance(data, int) and chance.random() < 0.3:
        return data + chance.choice((-1, 1, data, 10**6))
    if isinstance(data, str) and data and chance.random() < 0.3:
        return data[: chance.randrange(len(data))] + chance.choice(("", "x", "\0", "0" * 300))
    return chance.choice(HOSTILE)


def _text(content: bytes, chance: random.Random) -> bytes:
    text = content.decode("latin-1")
    for _ in range(chance.choice((1, 1, 2, 3))):
        words = list(re.finditer(r"[\w.+-]+|\S", text))
        if not words:
            break
        word = chance.choice(words)
        text = text[: word.start()] + chance.choice((*WORDS, "")) + text[word.end() :]
    return text.encode("latin-1")


def _zip(content: bytes, chance: random.Random) -> bytes:
    """The archive packed again with one member changed, renamed, left out or repeated."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [(name, archive.read(name)) for name in archive.namelist()]
    except (zipfile.BadZipFile, OSError, RuntimeError):
        return _bytes(content, chance)
    if not members:
        return _bytes(content, chance)
    place, action = chance.randrange(len(members)), chance.random()
    name, inside = members[place]
    if action < 0.6:
        kind = "json" if name.endswith(".json") else "text" if name.endswith((".csv", ".txt")) else "bytes"
        members[place] = name, mutated(inside, kind, chance)
    elif action < 0.75:
        members[place] = chance.choice(("../" + name, "/" + name, " ", "x" * 300, name.upper(), "a/../" + name)), inside
    elif action < 0.85:
        del members[place]
    elif action < 0.92:
        members.append((name, _bytes(inside, chance)))
    else:
        members[place] = name, inside + bytes(3_000_000)  # compressed, it is small
    file, method = io.BytesIO(), chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", method) as archive:
        warnings.simplefilter("ignore")  # two members of one name
        for name, inside in members:
            archive.writestr(name, inside)
    return file.getvalue() if chance.random() < 0.8 else _bytes(file.getvalue(), chance)


def _bytes(content: bytes, chance: random.Random) -> bytes:
    data, action = bytearray(content), chance.randrange(8)
    place = chance.randrange(len(data)) if data else 0
    if chance.random() < 0.5:  # headers decide more than samples
        place = min(place, chance.randrange(200))
    if action == 0 and data:
        data[place] ^= 1 << chance.randrange(8)
    elif action == 1 and data:
        data[place] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    elif action in (2, 3):
        size, order = chance.choice((2, 4, 8)), chance.choice(("little", "big"))
        number = chance.choice(_NUMBERS) & (256**size - 1)
        data[place : place + size] = number.to_bytes(size, order)  # type: ignore[arg-type]  # one of the two
    elif action == 4:
        del data[place:]
    elif action == 5:
        del data[place : place + chance.choice((1, 2, 4, 100))]
    elif action == 6:
        data[place:place] = data[place : place + chance.choice((1, 8, 200))]
    else:
        data[place:place] = bytes(chance.choice((1, 16, 1000)))
    return bytes(data)
