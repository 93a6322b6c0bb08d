"""The systems that are compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spacy.util import dict_to_dot, dot_to_object, load_config
from thinc.api import Config
from transformers import AutoConfig

from spacy_str_encoder.encoders import resolve_name
from spacy_str_encoder.modules.masks import MaskName

from .settings import Settings

OVERLAYS = Path(__file__).parents[2] / "configs" / "systems"
# The name of the overlay, and what the tables call it.
COMPARED = {
    "bilstm_crf": "Bi-LSTM-CRF (Huang et al. 2015)",
    "rdcnn": "RDCNN (Qiu et al. 2018)",
    "cnn": "CNN (Nguyen and Grishman 2015)",
    "rcn": "RCN (Wang et al. 2018)",
    "joint_bilstm": "Joint-Bi-LSTM (Zheng et al. 2017)",
    "only_ner": "STR-encoder, only NER",
    "only_rc": "STR-encoder, only RC",
}
# The config itself, with what it has beyond the paper.
DEFAULT = "default"
PAPER = OVERLAYS / "str_encoder.cfg"
MASKS: dict[MaskName, str] = {"cls": "Eq. 13", "pair": "Eq. 14"}


@dataclass(frozen=True)
class System:
    """What is trained.

    name (str): Its name, in commands and files.
    overlays (tuple[Path, ...]): The configs that make it of the base config.
    overrides (Mapping[str, Any]): Settings of the base config that it changes, by their path.
    """

    name: str
    overlays: tuple[Path, ...] = ()
    overrides: Mapping[str, Any] = field(default_factory=dict)


def choose_systems(settings: Settings, names: Sequence[str] | None = None) -> list[System]:
    """List what is to be trained.

    settings (Settings): Their common settings; the encoder tells how many K there are.
    names (Sequence[str] | None): The names of the systems; all if None.
    RETURNS (list[System]): The systems.
    RAISES (ValueError): If there is no such system, or the base config has more focused layers than
        the encoder has layers.
    """
    layers = count_layers(settings.encoder)
    systems = {system.name: system for system in make_systems(layers)}
    if name_of_base(settings.base) not in systems:
        raise ValueError(
            f"{settings.base}: focus_layers is more than the {layers} layers of {settings.encoder}"
        )
    if not goes_beyond_paper(settings.base):
        del systems[DEFAULT]
    if unknown := [name for name in names or () if name not in systems]:
        raise ValueError(f"no such system: {', '.join(unknown)}. Choose of {', '.join(systems)}.")
    return list(systems.values()) if names is None else [systems[name] for name in names]


def make_systems(layers: int) -> list[System]:
    """Make all systems, those that take the longest to train first: the last ones to be trained
    should not leave other workers idle for long.

    layers (int): The layers of the encoder.
    RETURNS (list[System]): The systems.
    """
    focused = {
        focused_name(mask, focus_layers): _focused_system(mask, focus_layers)
        for focus_layers in range(layers, 0, -1)
        for mask in MASKS
    }
    compared = [System(name, (PAPER, OVERLAYS / f"{name}.cfg")) for name in COMPARED]
    return [*focused.values(), System(DEFAULT), *compared]


def count_layers(encoder: str) -> int:
    """Count the layers of an encoder.

    encoder (str): Its name, as in `paths.encoder`.
    RETURNS (int): Their number.
    RAISES (ValueError): If there is no such encoder.
    """
    try:
        layers: int = AutoConfig.from_pretrained(resolve_name(encoder)).num_hidden_layers
    except OSError:
        raise ValueError(
            f"{encoder}: there is no such encoder; make it first, or name another (--encoder)"
        ) from None
    return layers


def focused_name(mask: MaskName, focus_layers: int) -> str:
    """Name an STR-encoder.

    With K = 1 both masks are the same function: of the last layer only the `[CLS]` row is used, and
    under either mask it sees the pair alone. So there is one system for both.

    mask (Literal["cls", "pair"]): Its mask.
    focus_layers (int): K.
    RETURNS (str): The name of the system.
    """
    return "str_k1" if focus_layers == 1 else f"str_k{focus_layers}_{mask}"


def goes_beyond_paper(base: Path) -> bool:
    """Ask whether the base config has anything on that the paper's STR-encoder has not.

    base (Path): The base config.
    RETURNS (bool): If not, it is itself one of the STR-encoders.
    """
    config = load_config(base, interpolate=False)
    switched_off = dict_to_dot(load_config(PAPER, interpolate=False))
    return any(_get(config, path, value) != value for path, value in switched_off.items())


def name_of_base(base: Path) -> str:
    """Find the STR-encoder that the base config has.

    base (Path): The base config.
    RETURNS (str): The name of the system.
    RAISES (ValueError): If it has none.
    """
    config = load_config(base)
    try:
        mask = dot_to_object(config, "components.str_rel.model.mask")
        focus_layers = dot_to_object(config, "components.str_encoder.model.focus_layers")
    except KeyError as error:
        raise ValueError(
            f"{base}: this is not the config of an STR-encoder, as configs/coronary.cfg is"
        ) from error
    return focused_name(mask, focus_layers)


def _get(config: Config, path: str, default: Any) -> Any:
    try:
        return dot_to_object(config, path)
    except KeyError:
        return default


def _focused_system(mask: MaskName, focus_layers: int) -> System:
    overrides = {
        "components.str_encoder.model.focus_layers": focus_layers,
        "components.str_rel.model.mask": mask,
    }
    return System(focused_name(mask, focus_layers), (PAPER,), overrides)
