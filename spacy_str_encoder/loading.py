"""Choose a GPU, load pipelines by name, and look up their settings and versions."""

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

import spacy
import torch
from catalogue import RegistryError
from spacy.language import Language
from spacy.util import import_file
from thinc.api import ConfigValidationError, Model
from thinc.compat import has_cupy, has_torch_mps_gpu

ENTITIES, RELATIONS, ATTRIBUTES = "doc.ents", "doc._.relations", "span._.attributes"
RECORDS = "doc._.records"
# Names of this library in an error of spaCy's.
OWN_NAME = re.compile(r"\b(spacy-str-encoder\.|str_)\w")


def require_gpu(gpu_id: int) -> None:
    """Use a GPU from now on, or the CPU if the ID is negative.

    gpu_id (int): The ID.
    RAISES (ValueError): If the GPU is missing or can't be used.
    """
    if gpu_id < 0:
        return
    if not has_torch_mps_gpu:
        require_visible(gpu_id, count=gpu_id + 1)
        if not has_cupy:
            raise ValueError(
                "--gpu-id needs CuPy; install it with pip install 'spacy_str_encoder[cuda12x]' or "
                "[cuda13x], for the CUDA version of your driver (nvidia-smi)"
            )
    spacy.require_gpu(gpu_id)


def require_visible(gpu_id: int, *, count: int) -> None:
    """Check that PyTorch finds enough GPUs.

    gpu_id (int): The ID, for the message.
    count (int): The least number of GPUs.
    RAISES (ValueError): If there are fewer.
    """
    if torch.cuda.device_count() < count:
        raise ValueError(
            f"there is no GPU {gpu_id} that PyTorch can use; omit --gpu-id to use the CPU"
        )


def import_code(path: Path | None) -> None:
    """Run a file of Python code that registers functions or components, as `--code` of spaCy's
    commands does.

    path (Path | None): The file; None for none.
    RAISES (ValueError): If the file is missing, or raises an error.
    """
    if path is None:
        return
    if not path.is_file():
        raise ValueError(f"{path}: no such file (--code)")
    try:
        import_file("python_code", path)
    except Exception as error:
        kind = type(error).__name__
        raise ValueError(f"{path}: can't run this code: {kind}: {error}") from error


def load_pipeline(
    name: str, *, code: Path | None = None, precision: str | Mapping[str, str] | None = None
) -> Language:
    """Load a pipeline.

    name (str): The folder of the pipeline, or the name of its package.
    code (Path | None): A file of Python code to run first, see `import_code`.
    precision (str | Mapping[str, str] | None): Precision of predictions, see `set_precision`. If
        None, it is that of the config or of the environment variable.
    RETURNS (Language): The pipeline.
    RAISES (ValueError): If the pipeline is missing, incomplete, damaged or from a newer version,
        the code can't be run, or the device does not support the precision.
    """
    import_code(code)
    try:
        nlp = spacy.load(name)
    except Exception as error:  # errors of the libraries involved have no common type
        raise ValueError(f"{name}: can't load this pipeline: {_explain(error)}") from error
    if precision is not None:
        set_precision(nlp, precision)
    return nlp


def fingerprint(nlp: Language) -> str:
    """Compute a fingerprint of a pipeline.

    nlp (Language): The pipeline.
    RETURNS (str): The name and the version, and a hash of all files.
    """
    digest = sha256()
    for path in sorted(nlp.path.rglob("*")):
        # Hidden files, such as those of file managers, are not part of a pipeline.
        if path.is_file() and not path.name.startswith("."):
            digest.update(path.relative_to(nlp.path).as_posix().encode())
            digest.update(path.read_bytes())
    return f"{nlp.lang}_{nlp.meta['name']} {nlp.meta['version']} {digest.hexdigest()[:16]}"


def set_precision(nlp: Language, precision: str | Mapping[str, str]) -> None:
    """Set the precision of the encoders of a pipeline. A pipeline without encoders stays as it is.

    nlp (Language): The pipeline.
    precision (str | Mapping[str, str]): The precision of all encoders, or that of some of them by
        the name of the component.
    RAISES (ValueError): If the device does not support the precision.
    """
    for name, encoder in find_encoders(nlp):
        if isinstance(precision, str) or name in precision:
            encoder.set_precision(precision if isinstance(precision, str) else precision[name])
    nlp.meta["precision"] = get_precision(nlp)


def get_precision(nlp: Language) -> dict[str, str]:
    """Get the precision of the encoders of a pipeline.

    nlp (Language): The pipeline.
    RETURNS (dict[str, str]): The precision of each encoder by the name of its component.
    """
    return {name: encoder.precision for name, encoder in find_encoders(nlp)}


def find_encoders(nlp: Language) -> Iterator[tuple[str, Any]]:
    """Find the encoders of a pipeline.

    nlp (Language): The pipeline.
    YIELDS (tuple[str, Any]): Each component with an encoder, shared or its own, and the shim that
        holds the encoder.
    """
    for name, component in nlp.pipeline:
        layers = getattr(component, "model", None)
        for layer in layers.walk() if isinstance(layers, Model) else ():
            yield from ((name, shim) for shim in layer.shims if hasattr(shim, "set_precision"))


def _explain(error: Exception) -> str:
    # The rest of such messages lists everything that is available.
    [message] = re.split(r"\n\nAvailable|\n{", str(error).strip())[:1]
    [reason] = re.split(r"\. (?:If|This usually)", message)[:1]
    if not isinstance(error, RegistryError | ConfigValidationError) and "[E002]" not in reason:
        return reason
    if OWN_NAME.search(reason):
        installed = version("spacy_str_encoder")
        return (
            f"{reason}. Was it saved by a newer spacy_str_encoder? The installed version is "
            f"{installed}."
        )
    return f"{message} If it is your own code, give its file with --code."


def could_be_faster(nlp: Language) -> bool:
    """Check whether a pipeline predicts in float32 on a device that has units for bfloat16.

    nlp (Language): The pipeline.
    RETURNS (bool): Whether this is so for any of its encoders.
    """
    return any(
        encoder.precision == "float32" and encoder.has_bfloat16_units
        for _, encoder in find_encoders(nlp)
    )


def relation_setting(nlp: Language, name: str) -> Any:
    """Look up a setting of the component that predicts relations.

    nlp (Language): The pipeline.
    name (str): The name of the setting.
    RETURNS (Any): The value, or None if there is no such component or setting.
    """
    return next((each.get(name) for each in _find_settings(nlp, RELATIONS)), None)


def default_values(nlp: Language) -> dict[str, str]:
    """Look up the default values of attributes of entities.

    nlp (Language): The pipeline.
    RETURNS (dict[str, str]): The values by name, those of all components that predict attributes.
    """
    settings = (each.get("defaults") or {} for each in _find_settings(nlp, ATTRIBUTES))
    return {name: value for defaults in settings for name, value in defaults.items()}


def sets_attributes(nlp: Language) -> bool:
    """Check whether a component of a pipeline sets attributes of entities.

    nlp (Language): The pipeline.
    RETURNS (bool): Whether any does.
    """
    return any(True for _ in _find_settings(nlp, ATTRIBUTES))


def sets_records(nlp: Language) -> bool:
    """Check whether a component of a pipeline makes records.

    nlp (Language): The pipeline.
    RETURNS (bool): Whether any does.
    """
    return any(True for _ in _find_settings(nlp, RECORDS))


def _find_settings(nlp: Language, assigned: str) -> Iterator[Mapping[str, Any]]:
    """YIELDS (Mapping[str, Any]): The settings of each component that assigns an attribute."""
    for _, component in find_components(nlp, assigned):
        yield _settings(component)


def find_components(nlp: Language, assigned: str) -> Iterator[tuple[str, Any]]:
    """Find the components that assign an attribute.

    nlp (Language): The pipeline.
    assigned (str): The attribute, such as `doc.ents`.
    YIELDS (tuple[str, Any]): Name and component, in the order of the pipeline.
    """
    for name, component in nlp.pipeline:
        if assigned in nlp.get_pipe_meta(name).assigns:
            yield name, component


def entity_group(nlp: Language) -> str | None:
    """Look up where a pipeline puts its entities: the `spans_key` of the component that predicts
    entities, otherwise of the one that predicts relations, or attributes.

    nlp (Language): The pipeline.
    RETURNS (str | None): The span group; None for `doc.ents`.
    """
    keys = (
        settings.get("spans_key")
        for assigned in (ENTITIES, RELATIONS, ATTRIBUTES)
        for settings in _find_settings(nlp, assigned)
    )
    return next((str(key) for key in keys if key is not None), None)


def _settings(component: Any) -> Mapping[str, Any]:
    settings = getattr(component, "cfg", None)
    return settings if isinstance(settings, Mapping) else {}


def read_labels(nlp: Language) -> tuple[list[str], list[str], dict[str, list[str]], bool]:
    """Look up the labels that a pipeline can predict.

    nlp (Language): The pipeline.
    RETURNS (tuple): The types of entities, the labels of relations, the values of each attribute
        by its name, and whether a pair of entities has at most one relation.
    """
    attributes: dict[str, list[str]] = {}
    for settings in _find_settings(nlp, ATTRIBUTES):
        for name, value in settings.get("values", ()):
            attributes.setdefault(name, []).append(value)
    exclusive = all(each.get("exclusive", True) for each in _find_settings(nlp, RELATIONS))
    return _list_labels(nlp, ENTITIES), _list_labels(nlp, RELATIONS), attributes, exclusive


def _list_labels(nlp: Language, assigned: str) -> list[str]:
    found = (component for _, component in find_components(nlp, assigned))
    labels = (getattr(component, "labels", ()) for component in found)
    return [*dict.fromkeys(chain.from_iterable(labels))]
