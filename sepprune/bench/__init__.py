"""Chunk times on this machine.

:mod:`.times` measures back to back for ``sepprune bench``, with the floor of :mod:`.floor` and the picture of
:mod:`.chart`. :mod:`.latency` makes the latency report: blocks (:mod:`.pace`, :mod:`.interleave`), rows (:mod:`.rows`,
:mod:`.statistics`), machine facts (:mod:`.facts`), sentences (:mod:`.verdict`) and the page (:mod:`.report_page`).
:mod:`.compare` compares two reports.
"""
