"""The real-time process: devices, rings, worker, telemetry.

No Qt here. What the window and the headless session may import without loading torch, a backend or PortAudio:

- :mod:`~app.engine.protocol`: shared words and settings; :mod:`~app.engine.commands` go in, :mod:`~app.engine.events`
  come back
- :mod:`~app.engine.process`: :class:`~app.engine.process.EngineProcess`, the handle on the process
- :mod:`~app.engine.telemetry`: audio, frames and counters in shared memory
- :mod:`~app.engine.statistics`: percentiles and the latency report
"""
