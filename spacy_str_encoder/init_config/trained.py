"""A trained pipeline, as its files describe it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spacy.util import get_model_meta, get_package_path, is_package, load_config

ENCODER = "str_encoder"
LEARNERS = ("str_ner", "str_rel", "str_attr")
# Encoders of other makers, which the learners may read.
OTHER_ENCODERS = ("tok2vec", "transformer")


@dataclass(frozen=True)
class Trained:
    """Trained pipeline to go on with.

    name (str): Its folder, or the name of its package.
    config (dict[str, Any]): Its config, with all variables replaced.
    has_vectors (bool): Whether it has word vectors.
    """

    name: str
    config: dict[str, Any]
    has_vectors: bool

    def find(self, *factories: str) -> list[str]:
        """Find the components that a factory made.

        *factories (str): The names of factories.
        RETURNS (list[str]): The names of the components, in the order of the pipeline.
        """
        components = self.config["components"]
        names = self.config["nlp"]["pipeline"]
        return [name for name in names if components[name].get("factory") in factories]

    def find_others(self) -> list[str]:
        """Find the trainable components of other makers, without encoders that ours read.

        RETURNS (list[str]): The names of the components.
        """
        own, read = self.find(ENCODER, *LEARNERS), {*self._find_read()}
        components = self.config["components"]
        names = (name for name in self.config["nlp"]["pipeline"] if name not in own)
        trainable = [name for name in names if isinstance(components[name].get("model"), dict)]
        return [name for name in trainable if name not in read]

    def _find_read(self) -> Iterator[str]:
        """YIELDS (str): The names of the encoders of other makers that the learners read."""
        models = (self.config["components"][name].get("model") for name in self.find(*LEARNERS))
        for architecture, upstream in (each for model in models for each in _find_listeners(model)):
            for name in self.find(*OTHER_ENCODERS):
                is_tok2vec = self.config["components"][name]["factory"] == "tok2vec"
                if upstream in ("*", name) and is_tok2vec == ("Tok2VecListener" in architecture):
                    yield name


def _find_listeners(block: Any) -> Iterator[tuple[str, str]]:
    if isinstance(block, Mapping):
        if "upstream" in block:
            yield block["@architectures"], block["upstream"]
        for value in block.values():
            yield from _find_listeners(value)


def read_trained(name: str) -> Trained:
    """Read what a trained pipeline is made of. It is not loaded.

    name (str): The folder of the pipeline, or the name of its package.
    RETURNS (Trained): The pipeline.
    RAISES (ValueError): If there is no such pipeline, or nothing in it that can learn.
    """
    folder = _find_folder(name)
    try:
        config, meta = load_config(folder / "config.cfg", interpolate=True), get_model_meta(folder)
    except (OSError, ValueError) as error:
        raise ValueError(f"{name}: can't read this pipeline: {error}") from error
    trained = Trained(name, config, bool(meta.get("vectors", {}).get("vectors")))
    if not trained.find(*LEARNERS):
        raise ValueError(
            f"{name}: the pipeline must have a component to train ({', '.join(LEARNERS)}), got "
            f"{', '.join(config['nlp']['pipeline']) or 'none'}"
        )
    return trained


def _find_folder(name: str) -> Path:
    if Path(name).is_dir() or not is_package(name):
        return Path(name)
    package = get_package_path(name)
    meta = get_model_meta(package)
    return package / f"{meta['lang']}_{meta['name']}-{meta['version']}"
