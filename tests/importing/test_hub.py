"""Names on the Hugging Face hub, where the hub cannot be reached."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sepprune.errors import UserError
from sepprune.importing import import_checkpoint
from sepprune.importing.hub import downloaded, is_hub_name


@pytest.mark.parametrize("name", ["owner/wsj0_2mix_skim_causal", "owner/ConvTasNet_WHAM!_sepclean", "a/b@v1"])
def test_a_repository_has_an_owner_and_a_name(name: str) -> None:
    assert is_hub_name(name)


@pytest.mark.parametrize("path", ["model.pth", "/models/model.pth", "a/b/c.pth", "../b c"])
def test_other_paths_are_no_names(path: str) -> None:
    assert not is_hub_name(path)


def test_a_name_without_the_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sepprune.extras.installed", lambda module: module != "huggingface_hub")
    with pytest.raises(UserError, match="needs the package huggingface_hub, .* install the extra 'import'"):
        import_checkpoint("espnet", "owner/name")


def test_a_hub_that_does_not_answer_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "huggingface_hub.py").write_text(
        "def snapshot_download(*names, **options):\n    raise ConnectionError('no route\\nto the host')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "huggingface_hub", raising=False)
    with pytest.raises(UserError, match="does not give it .ConnectionError: no route to the host.: check") as error:
        downloaded("owner/name")
    assert "\n" not in str(error.value)
    monkeypatch.delitem(sys.modules, "huggingface_hub")
