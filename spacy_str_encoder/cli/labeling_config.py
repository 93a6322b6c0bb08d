from itertools import chain
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import errors_as_one_line
from .options import Code
from .prepare import prepare

if TYPE_CHECKING:
    from spacy_str_encoder.formats.label_studio.labeling_config import Labels

CONFIG = "config.cfg"
LABEL_STUDIO = "label-studio"


def labeling_config_command(
    source: Annotated[
        str,
        typer.Argument(
            metavar="MODEL|DATA",
            help="Pipeline, or a file or folder of annotated texts in any format that `convert` "
            "reads.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="XML file to write.", show_default="printed"),
    ] = None,
    code: Code = None,
) -> None:
    """Write the labeling config of Label Studio for the labels of a pipeline, or of data.

    Labels of predictions count too.

    It fits the tasks that `annotate` and `convert` write: paste it into the project
    (Labeling Interface, Code).

    Example: spacy-str-encoder labeling-config training/model-best -o labels.xml
    """
    from spacy_str_encoder.files.whole import written_whole
    from spacy_str_encoder.formats.label_studio.labeling_config import make_labeling_config

    with errors_as_one_line():
        outputs = [output] if output else []
        prepare(gpu_id=-1, inputs=[], outputs=outputs)
        config = make_labeling_config(_find_labels(source, code))
        for path in outputs:
            with written_whole(path) as unfinished:
                unfinished.write_text(config, encoding="utf-8", newline="\n")
    typer.echo(f"Wrote {output}" if output else config, nl=output is not None)


def describe_config(model: str) -> str:
    """Describe the next command after tasks were written.

    model (str): The pipeline that predicted them.
    RETURNS (str): The line.
    """
    command = f"spacy-str-encoder labeling-config {quote(model)} --output labels.xml"
    return f"The labeling config that these tasks fit: {command}"


def _find_labels(source: str, code: Path | None) -> "Labels":
    from spacy_str_encoder.formats.docs import make_tokenizer
    from spacy_str_encoder.formats.format import ReadOptions
    from spacy_str_encoder.formats.label_studio.labeling_config import Labels
    from spacy_str_encoder.formats.report import ConversionReport
    from spacy_str_encoder.formats.texts import read_texts
    from spacy_str_encoder.loading import load_pipeline, read_labels

    path = Path(source)
    if not path.exists() or (path / CONFIG).exists():
        return Labels(*read_labels(load_pipeline(source, code=code)))
    nlp, predictions = make_tokenizer(None), ReadOptions(predictions=True)
    annotated = read_texts(path, nlp, ConversionReport())
    # Some exports have the ids of predictions in place of them.
    predicted = read_texts(path, nlp, ConversionReport(skip_bad=True), options=predictions)
    labels = Labels.of(chain(annotated, predicted))
    if not labels.entities:
        raise ValueError(f"{source}: there must be entities, to get their labels from, got none")
    return labels
