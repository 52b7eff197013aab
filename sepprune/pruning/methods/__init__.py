"""Pruning methods. Each chooses which channels of a module are kept; :mod:`.registry` has them by name."""
