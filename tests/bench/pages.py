"""What a page must have to work without a network."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

#: elements without an end tag
_VOID = {"meta", "link", "circle", "line", "rect", "polyline", "img", "br"}


class Page(HTMLParser):
    """A parsed page; every element that is opened is closed.

    Attributes:
        links: of ``src`` and ``href``.
        pictures: accessible names of the plots.
        captions: number of texts beside them.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.pictures: list[str] = []
        self.captions = 0
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self._open.append(tag)
        found = dict(attrs)
        self.links += [found[name] or "" for name in ("src", "href") if name in found]
        if tag == "svg":
            self.pictures.append(found["aria-label"] or "")
        self.captions += tag == "figcaption"

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self._open.pop() == tag


def embedded(text: str) -> dict[str, Any]:
    """The data in a page."""
    found = re.search(r'<script type="application/json" id="data">(.*)</script>', text)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data
