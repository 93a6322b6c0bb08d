"""Fields of a card that only the authors of a pipeline know."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spacy.util import get_base_version

# Those of meta.json, and what each is.
META_FIELDS = {
    "name": "its name, without the language",
    "version": "its version",
    "description": "one sentence: what it finds, in which texts",
    "license": "such as MIT, or who may use it",
    "author": "who made it",
    "email": "whom to ask",
    "url": "where it can be found",
}
# Sections of the page by field: heading, and what to write there.
SECTIONS = {
    "intended_use": ("Intended use", "for which texts and purposes it was made"),
    "limits": ("Limits", "what it must not be used for, and where it fails"),
    "training_data": ("Training data", "which texts, how many, and who annotated them"),
}
REQUIRED = ("description", "license", "author", *SECTIONS)

# Both a Python module and a package.
NAME = re.compile(r"[A-Za-z](\w*[A-Za-z0-9])?", re.ASCII)

About = dict[str, str]


def read_about(path: Path | None) -> About:
    """Read the fields of a card from a TOML file.

    path (Path | None): The file; None for no fields.
    RETURNS (dict[str, str]): The fields.
    RAISES (ValueError): If the file is not TOML, or has other fields or values.
    """
    if path is None:
        return {}
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    try:
        fields = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path}: the file is not TOML ({error})") from error
    for name, value in fields.items():
        _check(path, name, value)
    # Values of meta.json, which become those of a package, have one line.
    about = {
        name: " ".join(value.split()) if name in META_FIELDS else value.strip()
        for name, value in fields.items()
    }
    _check_package(path, about)
    return about


def _check(path: Path, name: str, value: Any) -> None:
    known = (*META_FIELDS, *SECTIONS)
    if name not in known:
        raise ValueError(f"{path}: unknown field {name!r}; the fields are {', '.join(known)}")
    if not isinstance(value, str):
        raise ValueError(f"{path}: {name!r} must be a string, got {value!r}")


def _check_package(path: Path, about: About) -> None:
    name, version = about.get("name"), about.get("version")
    if name and not NAME.fullmatch(name):
        raise ValueError(
            f"{path}: 'name' must have only letters from a to z, digits and underscores, begin "
            f"with a letter and not end with an underscore, got {name!r}"
        )
    try:
        get_base_version(version or "0")
    except ValueError as error:
        raise ValueError(
            f"{path}: 'version' must be a version such as 1.0.0 (PEP 440), got {version!r}"
        ) from error


def merge(meta: Mapping[str, Any], about: About) -> About:
    """Take fields from the meta data of a pipeline where the authors give none.

    meta (Mapping[str, Any]): The meta data.
    about (dict[str, str]): The fields of the authors.
    RETURNS (dict[str, str]): All fields that are not empty. The name is without the language, since
        `spacy.load` puts it before the name of a package.
    """
    given = {name: str(meta.get(name) or "") for name in META_FIELDS} | about
    given["name"] = given["name"].removeprefix(f"{meta['lang']}_")
    return {name: value for name, value in given.items() if value}
