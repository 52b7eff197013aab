"""Pruning methods: each ranks the channels of a module."""
