"""The window: widgets, view-models and settings. No torch, no inference, no audio device is imported here."""
