"""Measuring chunk times on this machine."""
