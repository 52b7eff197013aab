from __future__ import annotations

from sepprune.licences import licences
from tests.light import ROOT, base_distributions


def test_every_package_of_the_live_app_declares_a_licence() -> None:
    declared = {name.lower().replace("_", "-"): licence for name, _version, licence in licences()}
    assert {name: declared[name] for name in base_distributions() if declared[name] == "not declared"} == {}


def test_the_notice_names_the_licences_that_bind_those_who_pass_the_program_on() -> None:
    declared = {name.lower().replace("_", "-"): licence for name, _version, licence in licences()}
    text = (ROOT / "NOTICE.md").read_text(encoding="utf-8")
    for name in base_distributions():
        if "GPL" in declared[name]:
            assert name.removesuffix("-qt6").removesuffix("-sip") in text.lower()
