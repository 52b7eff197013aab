"""The settings of a training run, read from a TOML file."""

from __future__ import annotations

import dataclasses
import math
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..checked import read_limited, shown
from ..data.corpus import SAMPLE_RATE
from ..data.datasets import DatasetSettings
from ..errors import UserError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

#: bytes of a configuration
_LARGEST = 2**20
_NUMBER = (int, float)
#: annotation of a field -> types of its values, and their name
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "int": ((int,), "a whole number"),
    "int | None": ((int, type(None)), "a whole number"),
    "float": (_NUMBER, "a number"),
    "float | None": ((*_NUMBER, type(None)), "a number"),
    "str": ((str,), "a text"),
    "str | None": ((str, type(None)), "a text"),
    "bool": ((bool,), "true or false"),
    "dict[str, Any]": ((dict,), "a table"),
    "dict[str, str]": ((dict,), "a table of texts"),
    "dict[str, Any] | None": ((dict, type(None)), "a table"),
}
#: start of the annotation of a list -> types of its parts
_PARTS: dict[str, tuple[type, ...]] = {"tuple[str": (str,), "tuple[float": _NUMBER, "tuple[int": (int,)}

Settings = TypeVar("Settings", bound="DataclassInstance")


@dataclass(frozen=True)
class ModelSettings:
    """The separator that is trained.

    Args:
        name: see :func:`sepprune.separators.separator_names`, or a folder that ``sepprune import`` wrote, whose
            separator with its weights it is.
        settings: arguments of the class of that name.
        weights: safetensors file to start from, instead of random weights.
        plan: pruning plan that is applied before the weights are loaded.
        grown_from: settings of a smaller SkiM to which ``weights`` belong: before training, this separator computes the
            same as that one, see :func:`sepprune.separators.growth.grow`.
    """

    name: str = "skim"
    settings: dict[str, Any] = field(default_factory=dict)
    weights: str | None = None
    plan: str | None = None
    grown_from: dict[str, Any] | None = None


@dataclass(frozen=True)
class MixtureSettings:
    """How training mixtures are made. A share is a probability per mixture, between 0 and 1.

    Args:
        seconds: length of a mixture.
        batch: mixtures in a batch.
        difference_db: largest level difference of the two voices.
        level_db: lowest and highest level of the mixture, root mean square re full scale.
        speed: voices are played faster or slower by up to this factor, which moves pitch and formants: a recorded
            speaker sounds like another one.
        formants: the formants of every voice are moved up or down by up to this factor, in addition to the effect of
            ``speed`` and without changing pitch.
        voice_colour: share of voices that get a spectral tilt and a low cut of their own, as from another microphone.
        same_sex: share of mixtures whose second speaker is drawn from those of the same sex as the first, where the
            manifest knows it; about half of the others have the same sex by chance. Similar voices are the hard part.
        single: share of mixtures in which only one voice speaks.
        turns: of the others, share in which the voices take turns, with pauses and overlap.
        partial_overlap: of the rest, share in which one voice starts late or ends early.
        noise: share of mixtures with background noise; a quarter of the noise is synthetic.
        snr_db: lowest and highest level of the voices relative to the noise.
        room: share of mixtures in a room. The references are then the direct sound and the reflections that arrive
            within 50 ms after it.
        rooms: number of rooms that are simulated, once, in addition to measured ones.
        moved: of the mixtures in a room, share with other distances than recorded or simulated: late reverberation
            from 6 dB softer to 10 dB louder, and a level difference of up to 10 dB between the talkers.
        colour: share of mixtures with a microphone that is not flat: up to 8 dB of tilt and a low cut.
        clip: share of mixtures whose peaks are clipped.
    """

    seconds: float = 3.2
    batch: int = 8
    difference_db: float = 5.0
    level_db: tuple[float, float] = (-35.0, -18.0)
    speed: float = 0.12
    formants: float = 0.0
    voice_colour: float = 0.0
    same_sex: float = 0.0
    single: float = 0.0
    turns: float = 0.0
    partial_overlap: float = 0.1
    noise: float = 0.0
    snr_db: tuple[float, float] = (5.0, 30.0)
    room: float = 0.0
    rooms: int = 300
    moved: float = 0.0
    colour: float = 0.0
    clip: float = 0.0

    @property
    def samples(self) -> int:
        """Length of a mixture in samples."""
        return round(self.seconds * SAMPLE_RATE)


@dataclass(frozen=True)
class OptimiserSettings:
    """How a separator learns.

    Args:
        method: ``adam``, or ``muon`` for weight matrices and Adam for the rest.
        learning_rate: step size after the warm-up.
        weight_decay: every update shrinks the weights by this factor times the step size.
        warmup: updates over which the step size rises from zero.
        clip: largest norm of the gradient.
        ema: decay of the averaged weights, which are validated and kept.
        precision: ``fp32``, or ``bf16`` (autocast). A processor that is not faster in bf16 computes in fp32.
        frozen: prefixes of the names of weights that do not change, such as ``encoder`` and ``decoder``. With a fixed
            filterbank, the update of the bundled separator costs a sixth less.
    """

    method: str = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    warmup: int = 200
    clip: float = 5.0
    ema: float = 0.999
    precision: str = "fp32"
    frozen: tuple[str, ...] = ()


@dataclass(frozen=True)
class TrainingSettings:
    """A training run.

    Args:
        out: folder for checkpoints, log and curve.
        data: folder or pack of recordings, or root of a prepared set.
        dataset: what ``data`` is.
        model: which separator is trained.
        mixtures: how mixtures are made.
        imitation: with a teacher, the weight of the loss against the teacher's estimates; the loss against the
            references has the rest. A separator pruned from its teacher approaches it sooner that way.
        hints: layers of a pruned separator whose inputs are compared with the teacher's, as names or patterns, see
            :class:`~.lessons.Hints`.
        hint_weight: weight of that comparison, relative to the loss in dB.
        even_gradients: give every mixture the same gradient norm at the estimates, relative to its level. Without it,
            a mixture with one voice has about ten times the gradient of one with two, see :func:`~.lessons.evened`.
        settle_seconds: where one voice speaks alone at the start, its output in this time is right for the whole
            mixture, see :func:`sepprune.losses.settled_snr_loss`; 0: the best order of the whole mixture is right. A
            teacher determines the order by itself.
        optimiser: how the separator learns.
        seed: of initial weights and of mixtures.
        validate_minutes: training time between two validations.
        validation_mixtures: number of mixtures of the ``valid`` split that are scored.
        known_speakers: at every validation also score as many clean mixtures of the speakers that are trained on. The
            log shows them as ``si_sdri_known``; they do not decide which weights are the best.
        threads: torch threads on a CPU, 0 for one per core.
    """

    out: str
    data: str
    dataset: DatasetSettings = DatasetSettings()
    model: ModelSettings = ModelSettings()
    mixtures: MixtureSettings = MixtureSettings()
    imitation: float = 0.0
    hints: tuple[str, ...] = ()
    hint_weight: float = 3.0
    even_gradients: bool = False
    settle_seconds: float = 0.0
    optimiser: OptimiserSettings = OptimiserSettings()
    seed: int = 0
    validate_minutes: float = 3.0
    validation_mixtures: int = 64
    known_speakers: bool = False
    threads: int = 0


def load_settings(path: str, **overrides: Any) -> TrainingSettings:
    """Read the TOML file of a run; ``overrides`` that are not ``None`` replace top-level entries.

    Raises:
        UserError: the file is missing or malformed, or has an unknown entry.
    """
    content = read_toml(path) | {name: value for name, value in overrides.items() if value is not None}
    return build_settings(TrainingSettings, content, path)


def read_toml(path: str) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        UserError: it cannot be read, or is not TOML.
    """
    content = read_limited(Path(path), _LARGEST, "give a TOML file of this command, see configs/")
    try:
        return tomllib.loads(content.decode("utf-8-sig"))  # Windows editors begin a file with a mark
    except UnicodeDecodeError as error:
        raise UserError(f"the configuration {path} is no text in UTF-8: save it as that") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"the configuration {path} is not valid TOML: {error}") from error


def build_settings(kind: type[Settings], content: dict[str, Any], where: str) -> Settings:
    """A settings dataclass from a TOML table; inner tables become inner dataclasses.

    Args:
        kind: the dataclass.
        content: the table.
        where: name of the table in error messages.

    Raises:
        UserError: an entry is unknown or missing.
    """
    fields = {entry.name: entry for entry in dataclasses.fields(kind)}
    if unknown := sorted(set(content) - set(fields)):
        raise UserError(f"{where} has an unknown entry {shown(unknown[0])}: choose from {', '.join(sorted(fields))}")
    values = {}
    for name, value in content.items():
        default = fields[name].default
        _check_type(name, value, str(fields[name].type), default, where)
        if dataclasses.is_dataclass(default) and not isinstance(default, type):
            value = build_settings(type(default), value, f"[{name}] of {where}")
        elif isinstance(default, tuple):
            value = tuple(value)
        values[name] = value
    missing = [
        name
        for name, entry in fields.items()
        if name not in values and entry.default is entry.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise UserError(f"{where} is incomplete: add {' and '.join(missing)}")
    return kind(**values)


def _check_type(name: str, value: Any, annotation: str, default: Any, where: str) -> None:
    """Refuse an entry of another type than its field.

    Args:
        name, value: of the entry.
        annotation: of the field, as text.
        default: of the field.
        where: name of the table in error messages.
    """
    if dataclasses.is_dataclass(default):
        right, expected = isinstance(value, dict) or dataclasses.is_dataclass(value), "a table"
    elif isinstance(default, tuple):
        kinds = next((kinds for start, kinds in _PARTS.items() if annotation.startswith(start)), (object,))
        right = isinstance(value, list | tuple) and all(_is(part, kinds) for part in value)
        expected = f"a list of {'texts' if kinds == (str,) else 'numbers'}"
        if "..." not in annotation:
            right, expected = right and len(value) == len(default), f"a list of {len(default)} numbers"
    else:
        kinds, expected = _KINDS.get(annotation, ((object,), ""))
        right = _is(value, kinds)
    if not right:
        raise UserError(f"{where} has {name} = {shown(value)}: give {expected}")


def _is(value: Any, kinds: tuple[type, ...]) -> bool:
    """Whether a value has one of these types; true and false are no numbers, and infinity is none."""
    if isinstance(value, float) and not math.isfinite(value):
        return False
    return object in kinds or type(value) in kinds
