"""The three stacked sound views: mixture, voice 1, voice 2."""
