import json

import pytest

from app.engine.controls import Controls
from app.ui.settings import Preferences, load_preferences, save_preferences, settings_file
from tests.app.ui.engine_double import SETTINGS

CHOSEN = Preferences(
    input="USB microphone, ALSA",
    output="none",
    controls=Controls(level=3, routing="voice2", gain_db=-6.0, loop=False, fallback=True),
    view="waveform",
    width=1100,
    height=700,
    presentation=True,
    sweep_s=9,
    recordings="/music",
    record_format="flac",
    colours="dark",
    voice1="Anna",
    voice2="Ben",
)


def test_what_is_saved_comes_back():
    save_preferences(CHOSEN)
    assert load_preferences() == (CHOSEN, None)


def test_a_missing_file_gives_defaults_and_no_sentence():
    assert load_preferences() == (Preferences(), None)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '{"version": 99}',
        '{"version": 1, "level": "three"}',
        '{"version": 1, "level": -1}',
        '{"version": 1, "routing": "everything"}',
        '{"version": 1, "record_format": "mp3"}',
        '{"version": 1, "level": true}',
        '{"version": 1, "colours": "blue"}',
        '{"version": 1, "voice1": 1}',
        "\x00\xff",
        "[" * 100_000,
        '{"version": 1, "gain_db": NaN}',
        '{"version": 1, "gain_db": 1e999}',
        '{"version": 1, "width": 1099511627776}',
        '{"version": 1, "height": -5}',
        '{"version": 1, "level": 99}',
        '{"version": 1, "sweep_s": 0}',
        '{"version": 1, "view": "both"}',
        '{"version": 1, "width": ' + "9" * 5000 + "}",
        '{"version": 1, "input": "' + "n" * 5000 + '"}',
    ],
)
def test_an_unfit_file_gives_defaults_and_a_sentence_that_names_it(settings_path, content):
    settings_path.parent.mkdir()
    settings_path.write_text(content, encoding="latin-1")
    preferences, problem = load_preferences()
    assert preferences == Preferences() and len(problem) < 500
    assert problem.count(str(settings_path)) == problem.count("the defaults are used") == 1


def test_unknown_entries_of_a_later_window_are_ignored(settings_path):
    save_preferences(CHOSEN)
    settings_path.write_text(json.dumps({**json.loads(settings_path.read_text()), "shade": "blue"}))
    assert load_preferences() == (CHOSEN, None)


def test_the_environment_chooses_the_file(settings_path):
    assert settings_file() == settings_path


def test_the_file_keeps_its_layout(settings_path):
    save_preferences(CHOSEN)
    content = json.loads(settings_path.read_text())
    assert {name: content[name] for name in ("version", "level", "routing", "gain_db", "loop_file", "fallback")} == {
        "version": 1,
        "level": 3,
        "routing": "voice2",
        "gain_db": -6.0,
        "loop_file": False,
        "fallback": True,
    }
    assert not {"controls", "mute", "bypass", "solo", "paused"} & content.keys()


def test_saving_leaves_no_draft_behind(settings_path):
    save_preferences(CHOSEN)
    assert [path.name for path in settings_path.parent.iterdir()] == ["live.json"]


def test_what_the_user_has_just_chosen_wins_over_what_is_remembered():
    settings = CHOSEN.applied_to(SETTINGS, frozenset({"level", "input"}))
    assert (settings.controls.level, settings.input, settings.controls.routing) == (0, SETTINGS.input, "voice2")


def test_a_file_written_before_a_setting_existed_gives_its_default(settings_path):
    settings_path.parent.mkdir()
    settings_path.write_text('{"version": 1, "level": 2}')
    assert load_preferences() == (Preferences(controls=Controls(routing="split", level=2)), None)


def test_loop_and_fallback_are_remembered_unless_given():
    settings = CHOSEN.applied_to(SETTINGS, frozenset({"fallback"}))
    assert (settings.controls.loop, settings.controls.fallback) == (False, False)


def test_devices_that_were_never_chosen_are_left_alone():
    assert Preferences().applied_to(SETTINGS).input == SETTINGS.input
