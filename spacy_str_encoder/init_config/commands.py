"""Commands that follow once there is a config."""

import shlex
from pathlib import Path

from thinc.api import Config

CONVERT = "spacy-str-encoder convert train.jsonl dev.jsonl --output corpus --lang {lang}"
DEBUG_DATA = "spacy-str-encoder debug-data {train} {dev} --config {config}"
TRAIN = "spacy-str-encoder train {config} --output training --paths.train {train} --paths.dev {dev}"
EVALUATE = "spacy-str-encoder evaluate training/model-best {dev}"
CONTINUE = (
    "spacy-str-encoder train {config} --output continued --paths.train {train} --paths.dev {dev}"
)
COMPARE = "spacy-str-encoder evaluate continued/model-best {dev} --compare {pipeline}"


def next_commands(text: str, path: Path) -> list[str]:
    """List the commands from annotations to the scores of a trained pipeline. If the config goes on
    with a pipeline, the annotations are there.

    text (str): The config.
    path (Path): The file that holds it.
    RETURNS (list[str]): The commands, in order.
    """
    config = Config().from_str(text)
    names = {
        "config": shlex.quote(str(path)),
        "lang": config["nlp"]["lang"],
        "train": config["paths"]["train"],
        "dev": config["paths"]["dev"],
    }
    commands = [CONVERT, DEBUG_DATA, TRAIN, EVALUATE]
    if pipeline := config["paths"].get("pipeline"):
        names["pipeline"] = shlex.quote(pipeline)
        commands = [CONTINUE, COMPARE]
    return [command.format(**names) for command in commands]
