"""Recordings and mixtures on disk: data folders and packs of speech, noise and rooms, and prepared sets of mixtures."""
