"""Load pipelines by name, and look up their settings."""

import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import spacy
from catalogue import RegistryError
from spacy.language import Language
from spacy.util import import_file
from thinc.api import ConfigValidationError

# Names of this library in an error of spaCy's.
OWN_NAME = re.compile(r"\b(spacy-str-encoder\.|str_)\w")


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


def load_pipeline(name: str, *, code: Path | None = None) -> Language:
    """Load a pipeline.

    name (str): The folder of the pipeline, or the name of its package.
    code (Path | None): A file of Python code to run first, see `import_code`.
    RETURNS (Language): The pipeline.
    RAISES (ValueError): If the pipeline is missing, incomplete, damaged or from a newer version, or
        the code can't be run.
    """
    import_code(code)
    try:
        return spacy.load(name)
    except Exception as error:  # errors of the libraries involved have no common type
        raise ValueError(f"{name}: can't load this pipeline: {_explain(error)}") from error


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
