"""Listening tests: studies as files, trial logic that can be replayed, sessions that survive a crash, statistics.

Nothing here opens a sound device or a window. Pages show a :class:`~.session.Trial`, play its samples and hand the
answer to a :class:`~.session.Session`.
"""
