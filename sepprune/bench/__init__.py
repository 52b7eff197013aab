"""Chunk times on this machine: measuring (:mod:`.times`), the floor under them (:mod:`.floor`), a chart."""
