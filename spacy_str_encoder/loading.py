"""Pipelines by their names, and how they are set."""

import re
from importlib.metadata import version
from typing import Any

import spacy
from catalogue import RegistryError
from spacy.language import Language
from thinc.api import ConfigValidationError


def load_pipeline(name: str) -> Language:
    """Load a pipeline.

    name (str): Its folder, or the name of its package.
    RETURNS (Language): The pipeline.
    RAISES (ValueError): If there is none, it is incomplete or damaged, or from a newer version.
    """
    try:
        return spacy.load(name)
    except Exception as error:  # of any library that reads a part of it: they share no type
        raise ValueError(f"{name}: can't load this pipeline: {_explain(error)}") from error


def _explain(error: Exception) -> str:
    # What comes after are lists of everything that there is.
    [reason] = re.split(r"\n\nAvailable|\n{|\. (?:If|This usually)", str(error).strip())[:1]
    if not isinstance(error, RegistryError | ConfigValidationError) and "[E002]" not in reason:
        return reason
    installed = version("spacy_str_encoder")
    return f"{reason}. Was it made by a newer spacy_str_encoder? This one is {installed}."


def relation_setting(nlp: Language, name: str) -> Any:
    """Look up a setting of the component that finds relations.

    nlp (Language): The pipeline.
    name (str): The name of the setting.
    RETURNS (Any): Its value; None if there is no such component or setting.
    """
    for pipe_name, component in nlp.pipeline:
        if "doc._.relations" in nlp.get_pipe_meta(pipe_name).assigns:
            return getattr(component, "cfg", {}).get(name)
    return None
