"""``python -m sepprune.licences``: the licence that every installed package declares."""

from __future__ import annotations

from importlib.metadata import Distribution, distributions

#: a licence text that stands where a name belongs is cut to this length
_LONGEST = 60


def declared(distribution: Distribution) -> str:
    """The licence of a distribution: its SPDX expression, else its classifiers, else the free text."""
    fields = distribution.metadata
    if "License-Expression" in fields:
        return fields["License-Expression"]
    classifiers = [text.rpartition(" :: ")[2] for text in fields.get_all("Classifier") or [] if "License ::" in text]
    text = ", ".join(classifiers) or (fields["License"] if "License" in fields else "not declared").partition("\n")[0]
    return text[:_LONGEST]


def licences() -> list[tuple[str, str, str]]:
    """Name, version and licence of every installed distribution, in order of names."""
    found = {(str(one.metadata["Name"]), one.version, declared(one)) for one in distributions()}
    return sorted(found, key=lambda row: row[0].lower())


def main() -> None:
    """Print the table."""
    for name, version, licence in licences():
        print(f"{name:30} {version:18} {licence}")


if __name__ == "__main__":
    main()
