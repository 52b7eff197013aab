"""The panels of the main window, as one value for the objects that connect them to the engine."""

from __future__ import annotations

from typing import NamedTuple

from .latency import LatencyPanel
from .level_panel import LevelPanel
from .listen_panel import ListenPanel
from .status import Banner, StatusLine
from .transport import Transport
from .views.tracks import Tracks


class Panels(NamedTuple):
    """Every panel of the window."""

    transport: Transport
    tracks: Tracks
    latency: LatencyPanel
    listen: ListenPanel
    level: LevelPanel
    status: StatusLine
    banner: Banner
