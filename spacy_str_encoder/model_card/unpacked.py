"""A copy of a pipeline for `spacy package`, with the card and the fields of its authors."""

import shutil
from pathlib import Path

import srsly

from ..files.whole import replaced_whole
from .about import META_FIELDS, About, merge
from .page import is_page

META = "meta.json"
CARD = "README.md"


def check_output(path: Path) -> None:
    """Check that no other file is written over.

    path (Path): The file of a card.
    RAISES (ValueError): If it exists, and is not a card.
    """
    if path.exists() and not is_page(path.read_text("utf-8", errors="replace")):
        raise ValueError(
            f"{path}: exists already and is no model card; choose another file, or use --overwrite"
        )


def write_pipeline(pipeline: Path, folder: Path, about: About, page: str) -> None:
    """Copy a pipeline, and add its card. An existing pipeline in the folder is replaced.

    pipeline (Path): The folder of the pipeline.
    folder (Path): The folder of the copy.
    about (dict[str, str]): The fields of the authors: those of meta.json are written to it.
    page (str): The card, which `spacy package` puts into the wheel.
    RAISES (ValueError): If the folder holds something else.
    """
    if folder.exists() and not (folder / META).is_file():
        raise ValueError(f"{folder}: exists already and is no pipeline; choose another folder")
    with replaced_whole(folder) as unfinished:
        shutil.copytree(pipeline, unfinished)
        meta = srsly.read_json(unfinished / META)
        fields = {name: value for name, value in merge(meta, about).items() if name in META_FIELDS}
        srsly.write_json(unfinished / META, meta | fields)
        (unfinished / CARD).write_text(page, encoding="utf-8", newline="\n")
