import shutil
import zipfile
from pathlib import Path

import numpy as np
import platformdirs
import pytest
import soundfile

from sepprune.data import corpus
from sepprune.data.collection import Collection
from sepprune.data.corpus import SAMPLE_RATE, load_voices, trim_silence
from sepprune.data.pack import write_packs
from sepprune.data.sound import read_channels
from sepprune.errors import UserError


def test_voices_are_grouped_by_speaker_and_splits_stay_apart(data_folder: Path) -> None:
    collection = Collection(data_folder)
    assert [len(spans) for spans in load_voices(collection, "train", "speech").spans] == [2, 2, 2, 2]
    assert len(load_voices(collection, "valid", "speech")) == 2


def test_a_second_load_maps_what_the_first_decoded(data_folder: Path) -> None:
    first, second = (load_voices(Collection(data_folder), "train", "speech") for _ in range(2))
    assert isinstance(second.samples, np.memmap)
    assert first.spans == second.spans and np.array_equal(first.samples, second.samples)


def test_decoding_that_takes_minutes_is_announced_once(
    data_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(corpus, "_MANY", 8)
    load_voices(Collection(data_folder), "train", "speech")
    assert capsys.readouterr().err == "decoding 8 recordings, which takes minutes; the next run finds them\n"
    load_voices(Collection(data_folder), "train", "speech")
    assert capsys.readouterr().err == ""


def test_silence_at_the_edges_is_cut_and_pauses_stay() -> None:
    sound, pause = np.full(SAMPLE_RATE, 0.5, np.float32), np.zeros(SAMPLE_RATE, np.float32)
    assert len(trim_silence(np.concatenate([pause, sound, pause, sound, pause]))) == 3 * SAMPLE_RATE


def test_a_pack_keeps_every_speaker_and_reads_like_the_folder(data_folder: Path, tmp_path: Path) -> None:
    everything = sum(path.stat().st_size for path in data_folder.rglob("*.flac"))
    pack = tmp_path / "small.pack"
    report = write_packs(Collection(data_folder), [pack], 0.8 * everything / 1e6)
    assert report["bytes"] <= 0.8 * everything
    assert len(load_voices(Collection(pack), "train", "speech")) == 4


def test_several_packs_in_a_folder_hold_what_one_cannot(data_folder: Path, tmp_path: Path) -> None:
    folder = Collection(data_folder)
    largest = max(len(folder.read(recording.path)) for recording in folder.recordings("train", "speech"))
    packs = [tmp_path / f"part-{number}.pack" for number in (1, 2, 3)]
    report = write_packs(folder, packs, 3.2 * largest / 1e6, validation=False)
    assert all(pack.stat().st_size <= 3.2 * largest for pack in packs)
    together, alone = Collection(tmp_path), Collection(packs[0])
    assert (
        len(together.recordings("train", "speech")) + len(together.recordings("train", "noise")) == report["recordings"]
    )
    assert len(together.recordings("train", "speech")) > len(alone.recordings("train", "speech"))
    recording = together.recordings("train", "speech")[-1]
    assert together.read(recording.path) == folder.read(recording.path)


def test_a_pack_has_about_as_much_of_every_speaker(tmp_path: Path) -> None:
    lines = ["split,corpus,speaker,path"]
    (tmp_path / "speech").mkdir()
    for speaker, pieces in (("brief", 40), ("long", 4)):  # as many samples in many pieces or in few
        for piece in range(pieces):
            path = f"speech/{speaker}-{piece}.wav"
            lines.append(f"train,a,{speaker},{path}")
            soundfile.write(tmp_path / path, np.full(160_000 // pieces, 0.1), 16_000)
    (tmp_path / "manifest.csv").write_text("\n".join(lines))
    write_packs(Collection(tmp_path), [tmp_path / "half.pack"], 0.36, validation=False)
    voices = load_voices(Collection(tmp_path / "half.pack"), "train", "speech")
    seconds = [sum(stop - start for start, stop in spans) / 16_000 for spans in voices.spans]
    assert seconds == pytest.approx([5.0, 5.0], abs=2.6)


def test_a_pack_holds_the_noise_of_the_validation_mixtures(data_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    shutil.copytree(data_folder, folder)
    (folder / "noise/valid").mkdir()
    shutil.copy(folder / "noise/train/hiss.flac", folder / "noise/valid/hiss.flac")
    with open(folder / "manifest.csv", "a") as manifest:
        manifest.write("valid,hiss,,noise/valid/hiss.flac\n")
    write_packs(Collection(folder), [tmp_path / "all.pack"], 10.0)
    assert len(Collection(tmp_path / "all.pack").recordings("valid", "noise")) == 1


def test_a_pack_that_cannot_hold_the_validation_speech_is_refused(data_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="0.001 MB is too little"):
        write_packs(Collection(data_folder), [tmp_path / "tiny.pack"], 0.001)


def test_a_folder_without_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no training data: expected a folder with a manifest.csv"):
        Collection(tmp_path)


def test_a_recording_that_cannot_be_read_is_named(data_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(data_folder, tmp_path / "data")
    (tmp_path / "data/speech/train/synthetic/1/0.flac").write_bytes(b"not a sound")
    with pytest.raises(UserError, match="cannot read speech/train/synthetic/1/0.flac"):
        load_voices(Collection(tmp_path / "data"), "train", "speech")


def test_a_kind_that_is_missing_is_named(data_folder: Path) -> None:
    with pytest.raises(UserError, match="has no rir in its split 'train'"):
        load_voices(Collection(data_folder), "train", "rir")


@pytest.fixture
def two_speakers(tmp_path: Path) -> Collection:
    """The sex of the second one is unknown; a third one is for validation."""
    lines = [
        "split,corpus,speaker,path,seconds,sex",
        "train,a,1,speech/1.wav,1,F",
        "train,a,2,speech/2.wav,1,",
        "valid,a,3,speech/3.wav,1,M",
    ]
    (tmp_path / "manifest.csv").write_text("\n".join(lines))
    (tmp_path / "speech").mkdir()
    for number in (1, 2, 3):
        soundfile.write(tmp_path / f"speech/{number}.wav", np.random.default_rng(number).uniform(-1, 1, 1600), 16_000)
    return Collection(tmp_path)


def test_the_sex_of_speakers_is_read_where_the_manifest_has_it(two_speakers: Collection) -> None:
    assert load_voices(two_speakers, "train", "speech").sexes == ("F", "")


def test_a_pack_keeps_the_sex_of_speakers(two_speakers: Collection, tmp_path: Path) -> None:
    write_packs(two_speakers, [tmp_path / "all.pack"], 1.0)
    assert set(load_voices(Collection(tmp_path / "all.pack"), "train", "speech").sexes) == {"F", ""}


def test_a_recording_that_changed_is_decoded_again(two_speakers: Collection) -> None:
    before = load_voices(two_speakers, "train", "speech")
    soundfile.write(two_speakers.location / "speech/1.wav", np.full(1600, 0.25), 16_000)
    assert not np.array_equal(before.samples, load_voices(two_speakers, "train", "speech").samples)


@pytest.mark.parametrize("damage", ["flip", "cut", "index", "old index"])
def test_a_damaged_cache_is_made_again(two_speakers: Collection, damage: str) -> None:
    before = np.array(load_voices(two_speakers, "train", "speech").samples)
    folder = platformdirs.user_cache_path("sepprune") / "recordings"
    [samples] = (path for path in folder.glob("*.npy") if np.array_equal(np.load(path), before))
    content = bytearray(samples.read_bytes())
    if damage == "flip":
        content[-7] ^= 255
        samples.write_bytes(content)
    elif damage == "cut":
        samples.write_bytes(content[:-100])
    else:
        samples.with_suffix(".json").write_text("[" * 100_000 if damage == "index" else "[[[0, 1600], [1600, 3200]]]")
    np.testing.assert_array_equal(load_voices(two_speakers, "train", "speech").samples, before)


@pytest.mark.parametrize(
    "path",
    ["speech/../../secret.txt", "../secret.txt", "/etc/passwd", "speech/..\\..\\secret.txt", "secret.txt", "speech"],
)
def test_a_manifest_cannot_name_a_file_outside_its_folder(tmp_path: Path, path: str) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "data" / "speech").mkdir(parents=True)
    (tmp_path / "data" / "manifest.csv").write_text(f"split,corpus,speaker,path\ntrain,a,1,{path}\n")
    with pytest.raises(UserError, match="line 2 of the manifest.csv"):
        Collection(tmp_path / "data")


def test_a_link_that_leads_out_of_the_folder_is_not_followed(two_speakers: Collection, tmp_path: Path) -> None:
    (tmp_path.parent / "secret.wav").write_bytes(b"secret")
    (tmp_path / "speech" / "1.wav").unlink()
    (tmp_path / "speech" / "1.wav").symlink_to(tmp_path.parent / "secret.wav")
    with pytest.raises(UserError, match="outside the data folder"):
        write_packs(Collection(tmp_path), [tmp_path / "leak.pack"], 1.0)


def test_a_pack_that_expands_beyond_reason_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.pack", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.csv", "split,corpus,speaker,path\ntrain,a,1,speech/1.wav\n")
        archive.writestr("speech/1.wav", bytes(50_000_000))
    with pytest.raises(UserError, match="would expand to 50 MB"):
        load_voices(Collection(tmp_path / "bomb.pack"), "train", "speech")


def test_a_recording_that_expands_beyond_reason_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silence.flac", np.zeros(20_000_000, np.int16), 48_000)
    with pytest.raises(UserError, match="would expand to 20 million samples"):
        read_channels((tmp_path / "silence.flac").read_bytes(), "silence.flac")


@pytest.mark.parametrize("damage", range(8))
def test_a_damaged_pack_is_one_sentence_or_still_right(two_speakers: Collection, tmp_path: Path, damage: int) -> None:
    pack = tmp_path / "all.pack"
    write_packs(two_speakers, [pack], 1.0)
    content = bytearray(pack.read_bytes())
    chance = np.random.default_rng(damage)
    if damage % 2:
        content = content[: int(chance.integers(len(content)))]
    for place in chance.integers(len(content), size=20):
        content[place] ^= int(chance.integers(1, 256))
    pack.write_bytes(content)
    try:
        load_voices(Collection(pack), "train", "speech")
    except UserError as error:
        assert "\n" not in str(error) and len(str(error)) < 600


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"split,path\ntrain,speech/1.wav\n", b"split,corpus,speaker,path\ntrain\n"]
)
def test_a_manifest_that_is_none_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "manifest.csv").write_bytes(content)
    with pytest.raises(UserError, match="manifest.csv"):
        Collection(tmp_path)
