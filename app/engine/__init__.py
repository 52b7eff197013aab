"""The real-time process: devices, rings, worker, telemetry.

No Qt here. The window and the headless session may import these modules without loading torch, a backend or PortAudio:

- :mod:`~app.engine.protocol`: settings that an engine starts with
- :mod:`~app.engine.controls` and :mod:`~app.engine.commands`: what the engine is sent
- :mod:`~app.engine.events` and :mod:`~app.engine.facts`: what the engine sends back
- :mod:`~app.engine.process`: :class:`~app.engine.process.EngineProcess`, the handle on the process
- :mod:`~app.engine.telemetry`: audio, frames and counters in shared memory
- :mod:`~app.engine.statistics`: percentiles and the latency report
"""
