"""Trials: a system with a seed, and a fingerprint that tells whether it has been trained."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from spacy.util import dot_to_dict
from thinc.api import Config
from weasel.util.hashing import get_checksum

from spacy_str_encoder.encoders import resolve_name

from ..merge_config import merge_overlays
from .settings import TableSettings
from .systems import System

# The curve of a trial is read from the file of this logger.
LOGGER = {"@loggers": "spacy.ConsoleLogger.v3", "progress_bar": None, "console_output": True}


@dataclass(frozen=True)
class Trial:
    """All that a process needs to train and score a system.

    name (str): The name of the trial and of its folder.
    system (str): The name of the system.
    seed (int): The random seed.
    config (str): The complete config.
    parts (dict[str, str]): The files to score the system on, by the name of the part.
    fingerprint (str): A hash of the config and the contents of the files.
    gpu_id (int): The number of the GPU; -1 for the CPU.
    """

    name: str
    system: str
    seed: int
    config: str
    parts: dict[str, str]
    fingerprint: str
    gpu_id: int = -1


def plan_trials(
    systems: Iterable[System], settings: TableSettings, *, gpu_id: int = -1
) -> list[Trial]:
    """List the trials of systems, seed by seed.

    systems (Iterable[System]): The systems.
    settings (TableSettings): The settings of all trials.
    gpu_id (int): The number of the GPU; -1 for the CPU.
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


def make_config(system: System, settings: TableSettings, *, seed: int) -> Config:
    """Make the config of a trial.

    system (System): The system.
    settings (TableSettings): The settings of all trials.
    seed (int): The random seed.
    RETURNS (Config): The config.
    """
    config = merge_overlays(settings.base, system.overlays)
    overrides = {**system.overrides, **settings.overrides(config), "system.seed": seed}
    return config.merge(dot_to_dict(overrides)).merge({"training": {"logger": LOGGER}})


def make_fingerprint(*parts: str) -> str:
    """RETURNS (str): A hash of strings, in order."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _make_trial(
    system: System, settings: TableSettings, checksums: list[str], *, seed: int, gpu_id: int
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


def _checksums(systems: list[System], settings: TableSettings) -> list[str]:
    data = [settings.part(name) for name in ("train", "dev", *sorted(settings.tests))]
    overlays = [overlay for system in systems for overlay in system.overlays]
    for path in (settings.base, *data, *overlays):
        if not path.is_file():
            raise ValueError(f"{path}: no such file")
    encoder = Path(resolve_name(settings.encoder))
    read = (*data, *([encoder] if encoder.is_dir() else []))
    return [f"{path.name} {get_checksum(path)}" for path in read]
