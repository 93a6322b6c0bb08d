"""A system and a seed: what is trained, and how to tell whether it was."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from spacy.util import dot_to_dict
from thinc.api import Config
from weasel.util.hashing import get_checksum

from spacy_str_encoder.encoders import resolve_name

from ..merge_config import merge_overlays
from .settings import Settings
from .systems import System

# Its file is where the curve of a trial comes from.
LOGGER = {"@loggers": "spacy.ConsoleLogger.v3", "progress_bar": None, "console_output": True}


@dataclass(frozen=True)
class Trial:
    """What a process needs to train a system and score it.

    name (str): Its name, which is that of its folder.
    system (str): The name of the system.
    seed (int): The seed.
    config (str): The whole config.
    parts (dict[str, str]): The files to score it on, by the name of the part.
    fingerprint (str): Changes with the config and with what the files hold.
    gpu_id (int): The number of the GPU; -1 is the CPU.
    """

    name: str
    system: str
    seed: int
    config: str
    parts: dict[str, str]
    fingerprint: str
    gpu_id: int = -1


def plan_trials(systems: Iterable[System], settings: Settings, *, gpu_id: int = -1) -> list[Trial]:
    """List what has to be trained, one seed after the other.

    systems (Iterable[System]): The systems.
    settings (Settings): What they have in common.
    gpu_id (int): The number of the GPU; -1 is the CPU.
    RETURNS (list[Trial]): The trials.
    RAISES (ValueError): If a file is missing.
    """
    systems = list(systems)
    checksums = _checksums(systems, settings)
    return [
        _make_trial(system, settings, checksums, seed=seed, gpu_id=gpu_id)
        for seed in range(settings.seeds)
        for system in systems
    ]


def make_config(system: System, settings: Settings, *, seed: int) -> Config:
    """Merge everything that a trial is made of.

    system (System): The system.
    settings (Settings): What all trials have in common.
    seed (int): The seed.
    RETURNS (Config): The config.
    """
    config = merge_overlays(settings.base, system.overlays)
    overrides = {**system.overrides, **settings.overrides(config), "system.seed": seed}
    return config.merge(dot_to_dict(overrides)).merge({"training": {"logger": LOGGER}})


def make_fingerprint(*parts: str) -> str:
    """RETURNS (str): A hash of texts in their order."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _make_trial(
    system: System, settings: Settings, checksums: list[str], *, seed: int, gpu_id: int
) -> Trial:
    config = make_config(system, settings, seed=seed).to_str(interpolate=False)
    return Trial(
        name=f"{system.name}-seed{seed}",
        system=system.name,
        seed=seed,
        config=config,
        parts={name: str(settings.part(name)) for name in ("dev", *settings.tests)},
        fingerprint=make_fingerprint(config, *checksums),
        gpu_id=gpu_id,
    )


def _checksums(systems: list[System], settings: Settings) -> list[str]:
    data = [settings.part(name) for name in ("train", "dev", *sorted(settings.tests))]
    overlays = [overlay for system in systems for overlay in system.overlays]
    for path in (settings.base, *data, *overlays):
        if not path.is_file():
            raise ValueError(f"{path}: there is no such file")
    encoder = Path(resolve_name(settings.encoder))
    read = (*data, *([encoder] if encoder.is_dir() else []))
    return [f"{path.name} {get_checksum(path)}" for path in read]
