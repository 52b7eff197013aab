from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from sepprune.data.mixtures import find
from sepprune.evaluation import evaluate, score
from sepprune.streaming import Ladder
from tests.streaming.ladders import babble, small_ladder

RATE = 16_000


def noise(seconds: float, seed: int) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))).astype(np.float32)


@pytest.fixture(scope="module")
def ladder(tmp_path_factory: pytest.TempPathFactory) -> Ladder:
    return small_ladder(tmp_path_factory.mktemp("evaluation"), "conv-tasnet")


def voices_folder(folder: Path, mixtures: str = "mix", rate: int = RATE, second: np.ndarray | None = None) -> Path:
    for name, seed in (("a", 1), ("b", 3)):
        voices = noise(0.5, seed), noise(0.5, seed + 1) if second is None else second
        for part, signal in ((mixtures, voices[0] + voices[1]), ("s1", voices[0]), ("s2", voices[1])):
            (folder / part).mkdir(parents=True, exist_ok=True)
            soundfile.write(folder / part / f"{name}.wav", signal, rate, subtype="FLOAT")
    return folder


def scores(estimates: list[np.ndarray], references: list[np.ndarray], mixture: np.ndarray | None = None) -> dict:
    return score(np.stack(estimates), np.stack(references), sum(references) if mixture is None else mixture, RATE)


def test_si_sdr_is_the_ratio_of_the_noise_that_was_added() -> None:
    voices = [noise(2, 1), noise(2, 2)]
    found = scores([voice + 0.1 * noise(2, 5 + index) for index, voice in enumerate(voices)], voices)
    assert found["si_sdr"] == pytest.approx(20, abs=0.2)


def test_si_sdr_ignores_scale_and_offset() -> None:
    voices = [noise(1, 1), noise(1, 2)]
    estimates = [voice + 0.1 * noise(1, 5) for voice in voices]
    scaled = [7 * estimate + 0.5 for estimate in estimates]
    assert scores(scaled, voices)["si_sdr"] == pytest.approx(scores(estimates, voices)["si_sdr"], abs=1e-3)


def test_the_order_of_the_sources_does_not_matter() -> None:
    voices = [noise(1, 1), noise(1, 2)]
    estimates = [voice + 0.2 * noise(1, 5) for voice in voices]
    assert scores(estimates, voices) == scores(estimates[::-1], voices)


def test_giving_the_mixture_back_improves_nothing() -> None:
    voices = [noise(1, 1), noise(1, 2)]
    found = scores([sum(voices)] * 2, voices)
    assert (found["si_sdri"], found["sdri"]) == (pytest.approx(0, abs=1e-6), pytest.approx(0, abs=1e-3))


def test_sdr_forgives_a_short_filter_that_si_sdr_does_not() -> None:
    voices = [noise(2, 1), noise(2, 2)]
    found = scores([np.convolve(voice, [1, 0.5, -0.5])[: len(voice)].astype(np.float32) for voice in voices], voices)
    assert found["sdr"] > found["si_sdr"] + 20


def test_a_silent_reference_is_scored_by_the_other_voice_and_the_leak() -> None:
    voice = noise(1, 1)
    found = scores([0.1 * noise(1, 2), voice + 0.1 * noise(1, 3)], [voice, np.zeros_like(voice)])
    assert set(found) == {"active_si_sdr", "leak_db"}
    assert (found["active_si_sdr"], found["leak_db"]) == (pytest.approx(20, abs=0.3), pytest.approx(-20, abs=0.3))


def test_perfect_silence_leaks_a_finite_amount() -> None:
    voice = noise(1, 1)
    assert scores([voice, 0 * voice], [voice, 0 * voice])["leak_db"] == -120


def test_nothing_is_scored_where_nobody_speaks() -> None:
    assert scores([noise(1, 1)] * 2, [np.zeros(RATE, "f4")] * 2) == {}


def test_swaps_are_the_blocks_in_another_order_than_the_file() -> None:
    voices = np.stack([noise(24, 1), noise(24, 2)])
    estimates = voices.copy()
    estimates[:, 4 * RATE : 8 * RATE] = voices[::-1, 4 * RATE : 8 * RATE]
    assert score(estimates, voices, voices.sum(0), RATE)["swaps"] == 2


def test_blocks_in_which_one_voice_pauses_cannot_be_swapped() -> None:
    voices = np.stack([noise(24, 1), noise(24, 2)])
    voices[1, 4 * RATE : 8 * RATE] = 0
    estimates = voices.copy()
    estimates[:, 4 * RATE : 8 * RATE] = voices[::-1, 4 * RATE : 8 * RATE]
    assert score(estimates, voices, voices.sum(0), RATE)["swaps"] == 0


def test_short_files_are_not_searched_for_swaps() -> None:
    assert "swaps" not in scores([noise(20, 1), noise(20, 2)], [noise(20, 1), noise(20, 2)])


def test_a_stream_scores_like_the_batch(ladder: Ladder, tmp_path: Path) -> None:
    mixtures = find(voices_folder(tmp_path))
    streamed, offline = (evaluate(ladder, mixtures, [0], offline, 8, "torch")[0] for offline in (False, True))
    assert streamed["si_sdri"] == pytest.approx(offline["si_sdri"], abs=1e-3)


def test_a_report_has_the_levels_facts_means_and_files(ladder: Ladder, tmp_path: Path) -> None:
    (report,) = evaluate(ladder, find(voices_folder(tmp_path)), [2], True)
    low, high = report["si_sdri_ci95"]
    assert (report["level"], report["params"], [file["name"] for file in report["per_file"]]) == (
        2,
        ladder[2].params,
        ["a", "b"],
    )
    assert low < report["si_sdri"] < high
    assert report["si_sdri"] == pytest.approx(np.mean([file["si_sdri"] for file in report["per_file"]]))


def test_files_with_one_voice_leave_the_separation_score_empty(ladder: Ladder, tmp_path: Path) -> None:
    (report,) = evaluate(ladder, find(voices_folder(tmp_path, second=np.zeros(8000, "f4"))), [0], True)
    assert (report["si_sdri"], report["si_sdri_ci95"]) == (None, None) and report["active_si_sdr"] is not None


def test_the_worst_leak_is_that_of_the_mixture_in_which_it_is_highest(ladder: Ladder, tmp_path: Path) -> None:
    (report,) = evaluate(ladder, find(voices_folder(tmp_path, second=np.zeros(8000, "f4"))), [0], True)
    leaks = [file["leak_db"] for file in report["per_file"]]
    assert len(set(leaks)) == 2 and report["worst_leak_db"] == max(leaks) > report["leak_db"]


def test_other_rates_are_brought_to_the_ladders(ladder: Ladder, tmp_path: Path) -> None:
    (report,) = evaluate(ladder, find(voices_folder(tmp_path, rate=48_000)), [0], True)
    assert report["per_file"][0]["seconds"] == pytest.approx(0.5 / 3, abs=1e-3)


def test_every_mixture_of_every_level_advances_the_progress(ladder: Ladder, tmp_path: Path) -> None:
    steps: list[int] = []
    evaluate(ladder, find(voices_folder(tmp_path)), [0, 1], True, advance=lambda: steps.append(1))
    assert len(steps) == 4


def test_the_interval_knows_who_speaks_where(ladder: Ladder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    speakers = frozenset({"ann", "ben"}), frozenset({"ben", "eve"})
    monkeypatch.setattr("sepprune.evaluation.mean_interval", lambda values, speakers: seen.append(speakers))
    evaluate(ladder, find(voices_folder(tmp_path)), [0], True, speakers=speakers)
    assert seen == [list(speakers)]


def test_speech_that_pauses_is_not_silent() -> None:
    voices = [babble(1), noise(1, 1)]
    assert "si_sdri" in scores(voices, voices)


def test_a_quiet_mixture_is_scored_like_a_loud_one_by_a_linear_separator(tmp_path: Path, ladder: Ladder) -> None:
    quiet = evaluate(ladder, find(voices_folder(tmp_path)), [0], True, gain_db=-100.0)[0]
    assert quiet["input_si_sdr"] is not None and quiet["si_sdri"] is not None and quiet["leak_db"] is None
