"""The command line, one command a file: arguments, what is printed, and errors as one line.

The work is done elsewhere: a command imports the module that does it when it runs, since torch and
transformers take seconds to import and `--help` must not wait for them.
"""

import typer

from .annotate import annotate_command
from .convert import convert_command
from .debug_data import CONTEXT, debug_data_command
from .evaluate import evaluate_command
from .init_encoder import init_encoder_command
from .pretrain import pretrain_command
from .visualize import visualize_command

app = typer.Typer(
    name="spacy-str-encoder",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def main() -> None:
    """Joint extraction of entities and relations with one BERT, in spaCy."""


app.command("annotate")(annotate_command)
app.command("convert")(convert_command)
app.command("debug-data", context_settings=CONTEXT)(debug_data_command)
app.command("evaluate")(evaluate_command)
app.command("init-encoder")(init_encoder_command)
app.command("pretrain")(pretrain_command)
app.command("visualize")(visualize_command)

__all__ = ["app"]
