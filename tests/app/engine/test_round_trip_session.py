"""``--round-trip``: the engine is started, asked once sound has settled, and stopped whatever its answer is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.engine import round_trip_session
from app.engine.commands import Command, MeasureRoundTrip
from app.engine.controls import Controls
from app.engine.events import Event, Failed, Notice, Ready, RoundTrip
from app.engine.protocol import Settings
from app.engine.round_trip_session import measure_round_trip
from app.engine.telemetry import Telemetry
from sepprune.errors import UserError

SETTINGS = Settings("usb", "speakers", controls=Controls(fallback=True))
READY = Ready(
    (), 16_000, 128, 128, 128, "openvino", "fp32", "usb", "speakers", "USB", "Speakers", 48_000, 44_100, 5.0, 7.0
)
FOUND = RoundTrip(44.0, 52.0, 0.5, "round trip 44.0 ms")


class Engine:
    """An engine that says ``first`` at its start, and ``answer`` when it is asked to measure."""

    exit_status = 2
    pace = 0  # chunks between two readings of events

    def __init__(self, settings: Settings, first: list[Event], answer: list[Event]) -> None:
        self.settings, self._says, self._answer = settings, first, answer
        self.telemetry = Telemetry()
        self.telemetry.set("chunks", 1000)
        self.telemetry.set("cushion_chunks", 2)
        self.alive, self.sent, self.stopped = False, list[Command](), False

    def start(self) -> None:
        self.alive = bool(self._says)

    def events(self) -> list[Event]:
        said, self._says = self._says, []
        self.telemetry.count("chunks", self.pace)
        return said

    def send(self, command: Command) -> None:
        self.sent.append(command)
        self._says = self._answer

    def stop(self) -> None:
        self.alive, self.stopped = False, True


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[Event], list[Event]], list[Engine]]:
    monkeypatch.setattr(round_trip_session, "POLL_S", 0.0)

    def script(first: list[Event], answer: list[Event]) -> list[Engine]:
        made: list[Engine] = []

        def make(settings: Settings) -> Engine:
            made.append(Engine(settings, first, answer))
            return made[-1]

        monkeypatch.setattr(round_trip_session, "EngineProcess", make)
        return made

    return script


def test_a_measurement_is_a_report_with_its_conditions(engines: Callable[..., list[Engine]]) -> None:
    made, said = engines([READY], [Notice("gives nothing but silence"), FOUND]), list[str]()
    outcome = measure_round_trip(SETTINGS, said.append)
    assert outcome.problem is None and outcome.report == {
        "round_trip_ms": 44.0,
        "input_to_output_ms": 52.0,
        "spread_ms": 0.5,
        "chunk_ms": 8.0,
        "separator_delay_ms": 8.0,
        "cushion_ms": 16.0,
        "driver_in_ms": 5.0,
        "driver_out_ms": 7.0,
        "input": "USB",
        "output": "Speakers",
        "input_rate": 48_000,
        "output_rate": 44_100,
        "message": "round trip 44.0 ms",
        "notices": ["gives nothing but silence"],
    }
    assert made[0].sent == [MeasureRoundTrip()] and made[0].stopped and "Speakers" in said[0]
    assert not made[0].settings.controls.fallback


def test_where_nothing_comes_back_the_user_can_help(engines: Callable[..., list[Engine]]) -> None:
    engines([READY], [RoundTrip(None, None, 0.0, "nothing of the chirps came back")])
    outcome = measure_round_trip(SETTINGS, lambda sentence: None)
    assert outcome.report is not None and outcome.report["round_trip_ms"] is None
    assert (outcome.problem, outcome.user_caused) == ("nothing of the chirps came back", True)


def test_an_engine_that_fails_ends_the_measurement_with_its_sentence(engines: Callable[..., list[Engine]]) -> None:
    made, said = engines([Failed("no level 9", fatal=False), Failed("no such device", fatal=True)], []), list[str]()
    outcome = measure_round_trip(SETTINGS, said.append)
    assert (outcome.report, outcome.problem, outcome.user_caused) == (None, "no such device", True)
    assert made[0].stopped and said == ["no level 9"]


def test_an_engine_that_does_not_start_is_a_sentence(engines: Callable[..., list[Engine]]) -> None:
    engines([], [])
    assert measure_round_trip(SETTINGS, lambda sentence: None).problem == "the audio engine did not start"


@pytest.mark.parametrize(
    ("first", "sentence"),
    [([READY], "USB gave too little sound"), ([Notice("loading")], "was not ready within")],
)
def test_a_measurement_that_takes_too_long_is_a_sentence(
    engines: Callable[..., list[Engine]], monkeypatch: pytest.MonkeyPatch, first: list[Event], sentence: str
) -> None:
    for name in ("LOADING_S", "PATIENCE_S", "SETTLE_S", "LEAD_S", "LISTEN_S"):
        monkeypatch.setattr(round_trip_session, name, 0.02)
    engines(first, [])
    assert sentence in (measure_round_trip(SETTINGS, lambda said: None).problem or "")


def test_a_file_cannot_be_measured(engines: Callable[..., list[Engine]]) -> None:
    made = engines([READY], [FOUND])
    with pytest.raises(UserError, match="needs a microphone"):
        measure_round_trip(Settings("demo", "speakers"), lambda sentence: None)
    assert made == []


INTERRUPTED = RoundTrip(None, None, 0.0, "the devices changed", interrupted=True)


def test_a_measurement_that_a_device_interrupts_is_made_again(
    engines: Callable[[list[Event], list[Event]], list[Engine]], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [INTERRUPTED]
    monkeypatch.setattr(Engine, "pace", 100)
    made = engines([READY], answers)

    def say(sentence: str) -> None:
        if made[0].sent:  # the second try succeeds
            answers[:] = [FOUND]

    outcome = measure_round_trip(SETTINGS, say)
    assert outcome.report is not None and outcome.report["round_trip_ms"] == 44.0
    assert made[0].sent == [MeasureRoundTrip()] * 2


def test_a_device_that_always_interrupts_ends_in_a_sentence(
    engines: Callable[[list[Event], list[Event]], list[Engine]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Engine, "pace", 100)
    made = engines([READY], [INTERRUPTED])
    outcome = measure_round_trip(SETTINGS, lambda sentence: None)
    assert outcome.problem == "the devices changed"
    assert len(made[0].sent) == round_trip_session.TRIES
