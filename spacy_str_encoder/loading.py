"""Load pipelines by name, and look up their settings."""

import re
from importlib.metadata import version
from typing import Any

import spacy
from catalogue import RegistryError
from spacy.language import Language
from thinc.api import ConfigValidationError


def load_pipeline(name: str) -> Language:
    """Load a pipeline.

    name (str): The folder of the pipeline, or the name of its package.
    RETURNS (Language): The pipeline.
    RAISES (ValueError): If the pipeline is missing, incomplete, damaged or from a newer version.
    """
    try:
        return spacy.load(name)
    except Exception as error:  # errors of the libraries involved have no common type
        raise ValueError(f"{name}: can't load this pipeline: {_explain(error)}") from error


def _explain(error: Exception) -> str:
    # The rest of such messages lists everything that is available.
    [reason] = re.split(r"\n\nAvailable|\n{|\. (?:If|This usually)", str(error).strip())[:1]
    if not isinstance(error, RegistryError | ConfigValidationError) and "[E002]" not in reason:
        return reason
    installed = version("spacy_str_encoder")
    return (
        f"{reason}. Was it saved by a newer spacy_str_encoder? The installed version is "
        f"{installed}."
    )


def relation_setting(nlp: Language, name: str) -> Any:
    """Look up a setting of the component that predicts relations.

    nlp (Language): The pipeline.
    name (str): The name of the setting.
    RETURNS (Any): The value, or None if there is no such component or setting.
    """
    for pipe_name, component in nlp.pipeline:
        if "doc._.relations" in nlp.get_pipe_meta(pipe_name).assigns:
            return getattr(component, "cfg", {}).get(name)
    return None
