import numpy as np
import pytest

from app.engine.telemetry import DEADLINE_MISS, FRAME, TRANSITION, WAITED, WARM_UP
from app.ui.latency_strip import Histogram, LatencyStrip, axis_ticks, height_of


def rows(times_ms, flags=0, first=0):
    frames = np.zeros(len(times_ms), FRAME)
    frames["index"] = first + np.arange(len(times_ms))
    frames["t_done"] = np.asarray(times_ms) / 1000
    frames["flags"] = flags
    return frames


@pytest.fixture
def strip(qtbot):
    strip = LatencyStrip()
    qtbot.addWidget(strip)
    strip.resize(400, 100)
    return strip


def test_the_axis_is_logarithmic_and_holds_the_deadline():
    assert height_of(8.0, 8.0) - height_of(4.0, 8.0) == pytest.approx(height_of(2.0, 8.0) - height_of(1.0, 8.0))
    assert (height_of(8.0, 8.0), "8 ms") in axis_ticks(8.0)


@pytest.mark.parametrize("deadline_ms", [2.0, 8.0, 200.0, 1000.0, 1024.0, 16_384.0, 120_000.0])
def test_ticks_are_written_without_an_exponent(deadline_ms):
    texts = [text for _, text in axis_ticks(deadline_ms)]
    assert not any("e" in text for text in texts) and texts[-1] == f"{deadline_ms:.0f} ms"


def test_times_beyond_the_axis_stay_on_it():
    assert height_of(np.array([0.0, 1e6]), 8.0).tolist() == [0.0, 1.0]


def kinds(strip):
    """The picture as kinds of dots; 0 is the ground."""
    colours = np.array(strip.colours, np.uint32)
    return np.argmax(strip.picture.window()[..., None] == colours, axis=-1)


def test_slower_chunks_are_drawn_higher(strip):
    heights = []
    for ms in (1.0, 4.0, 16.0):
        strip.clear()
        strip.feed(rows([ms]))
        heights.append(int(np.flatnonzero(kinds(strip).any(axis=1))[0]))
    assert heights == sorted(heights, reverse=True)


def test_each_kind_of_chunk_has_its_own_value(strip):
    strip.feed(rows([1, 1, 9], flags=[0, TRANSITION, DEADLINE_MISS]))
    assert set(np.unique(kinds(strip))) == {0, 1, 3, 4}


def test_a_missed_deadline_is_drawn_larger(strip):
    strip.feed(rows([1, 9], flags=[0, DEADLINE_MISS]))
    picture = kinds(strip)
    assert (picture == 4).sum() > 2 * (picture == 1).sum()


def test_a_late_chunk_of_the_warm_up_is_not_counted_and_not_drawn_as_missed(strip):
    strip.feed(rows([1, 9], flags=[0, DEADLINE_MISS | WAITED | WARM_UP]))
    assert set(np.unique(kinds(strip))) == {0, 1, 2} and strip.late_chunk_at(strip.width() - 4) is None


@pytest.mark.parametrize("pieces", [1, 7, 500])
def test_chunks_that_come_in_pieces_are_drawn_as_if_they_came_at_once(strip, pieces):
    times = np.random.default_rng(0).uniform(0.1, 20, 1000)
    strip.feed(rows(times))
    at_once = kinds(strip)
    strip.clear()
    for part in np.array_split(np.arange(1000), pieces):
        strip.feed(rows(times[part], first=part[0]))
    np.testing.assert_array_equal(kinds(strip)[:, 8:], at_once[:, 8:])  # at the left edge, dots are cut off


def test_another_deadline_or_size_draws_all_chunks_anew(strip):
    strip.feed(rows(np.full(300, 4.0)))
    before = np.flatnonzero(kinds(strip).any(axis=1)).tolist()
    strip.set_deadline(16.0)
    after = np.flatnonzero(kinds(strip).any(axis=1)).tolist()
    assert before[0] < after[0] and (kinds(strip) > 0).any(axis=0).mean() > 0.9
    strip.resize(200, 80)
    strip.grab()
    assert kinds(strip).shape == (80, 200) and kinds(strip).any()


def test_only_chunks_in_view_are_counted(strip):
    strip.feed(rows(np.ones(5000)))
    shown, back = strip.shown()
    assert len(shown) == pytest.approx(400 / 0.8, abs=8) and back.max() < 400 and back[-1] == 0


def test_an_empty_strip_can_be_painted(strip):
    assert not strip.grab().isNull()


def test_the_histogram_counts_every_chunk(qtbot):
    histogram = Histogram()
    qtbot.addWidget(histogram)
    histogram.show_times(np.array([0.5, 0.5, 2.0, 100.0]), 8.0)
    assert histogram.counts.sum() == 4 and histogram.counts[-1] == 1


def test_pointing_at_a_missed_deadline_tells_its_cause_and_times(strip):
    frames = rows([1, 9], flags=[0, DEADLINE_MISS | WAITED])
    frames["t_in"] = -0.02
    strip.feed(frames)
    assert strip.late_chunk_at(strip.width() - 4) == (
        "Missed deadline: waited for the processor. Wait 20.0 ms, chunk time 9.0 ms."
    )


def test_pointing_elsewhere_tells_nothing(strip):
    strip.feed(rows([1, 9], flags=[0, DEADLINE_MISS | WAITED]))
    assert strip.late_chunk_at(strip.width() - 40) is None


def test_long_chunks_have_ticks_in_plain_numbers():
    assert [label for _, label in axis_ticks(1000.0)][-1] == "1000 ms"
