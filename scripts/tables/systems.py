"""The systems to compare."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from spacy.util import dict_to_dot, dot_to_object, load_config
from thinc.api import Config
from transformers import AutoConfig

from spacy_str_encoder.encoders import resolve_name
from spacy_str_encoder.modules.masks import MaskName

from .settings import TableSettings

OVERLAYS = Path(__file__).parents[2] / "configs" / "systems"
# The names of overlays, and their titles in the tables.
COMPARED = {
    "bilstm_crf": "Bi-LSTM-CRF (Huang et al. 2015)",
    "rdcnn": "RDCNN (Qiu et al. 2018)",
    "cnn": "CNN (Nguyen and Grishman 2015)",
    "rcn": "RCN (Wang et al. 2018)",
    "joint_bilstm": "Joint-Bi-LSTM (Zheng et al. 2017)",
    "only_ner": "STR-encoder, only NER",
    "only_rc": "STR-encoder, only RC",
}
# The config itself, including its additions to the paper.
DEFAULT = "default"
PAPER = OVERLAYS / "str_encoder.cfg"
MASKS: dict[MaskName, str] = {"cls": "Eq. 13", "pair": "Eq. 14"}


@dataclass(frozen=True)
class System:
    """A system to train.

    name (str): Its name, in commands and files.
    overlays (tuple[Path, ...]): The configs that are merged into the base config.
    overrides (Mapping[str, Any]): The values that replace those of the base config, by path.
    """

    name: str
    overlays: tuple[Path, ...] = ()
    overrides: Mapping[str, Any] = field(default_factory=dict)


def choose_systems(settings: TableSettings, names: Sequence[str] | None = None) -> list[System]:
    """List the systems to train.

    settings (TableSettings): The settings of all trials. The layers of the encoder limit K.
    names (Sequence[str] | None): The names of the systems; all if None.
    RETURNS (list[System]): The systems.
    RAISES (ValueError): If a system does not exist, or the base config has more focused layers than
        the encoder has layers.
    """
    systems = {system.name: system for system in make_systems(list_focus_layers(settings))}
    if not goes_beyond_paper(settings.base):
        del systems[DEFAULT]
    if unknown := [name for name in (*(names or ()), *settings.changes) if name not in systems]:
        raise ValueError(f"no such system: {', '.join(unknown)}. Choose from {', '.join(systems)}.")
    changed = {
        name: replace(each, overrides={**each.overrides, **settings.changes.get(name, {})})
        for name, each in systems.items()
    }
    return [changed[name] for name in names or changed]


def make_systems(focus_layers: Collection[int]) -> list[System]:
    """Make all systems. Those that take longest to train come first, so that at the end no worker
    is idle for long.

    focus_layers (Collection[int]): The values of K.
    RETURNS (list[System]): The systems.
    """
    focused = {
        focused_name(mask, k): _focused_system(mask, k)
        for k in sorted(focus_layers, reverse=True)
        for mask in MASKS
    }
    compared = [System(name, (PAPER, OVERLAYS / f"{name}.cfg")) for name in COMPARED]
    return [*focused.values(), System(DEFAULT), *compared]


def list_focus_layers(settings: TableSettings) -> list[int]:
    """List the values of K to compare.

    settings (TableSettings): The settings of all trials.
    RETURNS (list[int]): The values, with that of the base config, from the smallest on.
    RAISES (ValueError): If there is no encoder, or it has fewer layers.
    """
    layers = count_layers(settings.encoder)
    _, of_base = find_focus(settings.base)
    chosen = settings.focus_layers or range(1, layers + 1)
    for k, source in [(of_base, str(settings.base)), *((k, "--focus-layers") for k in chosen)]:
        if not 0 < k <= layers:
            raise ValueError(
                f"{source}: focus_layers must be 1 to {layers}, the layers of "
                f"{settings.encoder}, got {k}"
            )
    return sorted({of_base, *chosen})


def count_layers(encoder: str) -> int:
    """Count the layers of an encoder.

    encoder (str): Its name, as in `paths.encoder`.
    RETURNS (int): The number of layers.
    RAISES (ValueError): If the encoder does not exist.
    """
    try:
        layers: int = AutoConfig.from_pretrained(resolve_name(encoder)).num_hidden_layers
    except OSError:
        raise ValueError(
            f"{encoder}: no such encoder; create it first, or choose another with --encoder"
        ) from None
    return layers


def focused_name(mask: MaskName, focus_layers: int) -> str:
    """Name an STR-encoder.

    With K = 1 both masks give the same function: only the `[CLS]` row of the last layer is used,
    and with either mask it attends to the pair only. There is one system for both.

    mask (Literal["cls", "pair"]): The mask.
    focus_layers (int): The number of focused layers, K.
    RETURNS (str): The name of the system.
    """
    return "str_k1" if focus_layers == 1 else f"str_k{focus_layers}_{mask}"


def goes_beyond_paper(base: Path) -> bool:
    """Check whether the base config has additions to the paper's STR-encoder switched on.

    base (Path): The base config.
    RETURNS (bool): Whether it has. If not, it is itself one of the STR-encoders.
    """
    config = load_config(base, interpolate=False)
    switched_off = dict_to_dot(load_config(PAPER, interpolate=False))
    return any(_get(config, path, value) != value for path, value in switched_off.items())


def name_of_base(base: Path) -> str:
    """Name the STR-encoder of the base config.

    base (Path): The base config.
    RETURNS (str): The name of the system.
    RAISES (ValueError): If the config has no STR-encoder.
    """
    return focused_name(*find_focus(base))


def find_focus(base: Path) -> tuple[MaskName, int]:
    """Find the mask and the number of focused layers of the base config.

    base (Path): The base config.
    RETURNS (tuple[Literal["cls", "pair"], int]): The mask, and K.
    RAISES (ValueError): If the config has no STR-encoder.
    """
    config = load_config(base)
    try:
        mask = dot_to_object(config, "components.str_rel.model.mask")
        focus_layers = dot_to_object(config, "components.str_encoder.model.focus_layers")
    except KeyError as error:
        raise ValueError(
            f"{base}: must be the config of an STR-encoder, such as configs/coronary.cfg"
        ) from error
    return mask, focus_layers


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
