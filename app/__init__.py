"""SepPrune Live, the desktop app: ``engine`` is the real-time process, ``ui`` the window."""
