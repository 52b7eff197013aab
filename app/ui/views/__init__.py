"""The three sound views, one below the other: mixture, voice 1, voice 2."""
