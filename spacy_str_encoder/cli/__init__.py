"""Command-line interface, with one command per file: arguments, output and one-line errors.

The work is done in other modules. A command imports them when it runs, since importing torch and
transformers takes seconds and would delay `--help`.
"""

import typer

from .annotate import annotate_command
from .benchmark import benchmark_command
from .calibrate import calibrate_command
from .convert import convert_command
from .corrections import corrections_command
from .debug_data import CONTEXT, debug_data_command
from .evaluate import evaluate_command
from .graph import graph_command
from .init_config import init_config_command
from .init_encoder import init_encoder_command
from .labeling_config import labeling_config_command
from .model_card import model_card_command
from .pretrain import pretrain_command
from .select import select_command
from .serve import serve_command
from .streams import Commands
from .train import CONTEXT as TRAIN_CONTEXT
from .train import train_command
from .visualize import visualize_command

app = typer.Typer(
    name="spacy-str-encoder",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def main() -> None:
    """Joint extraction of entities and relations with one BERT, in spaCy."""


app.command("annotate")(annotate_command)
app.command("benchmark")(benchmark_command)
app.command("calibrate")(calibrate_command)
app.command("convert")(convert_command)
app.command("corrections")(corrections_command)
app.command("debug-data", context_settings=CONTEXT)(debug_data_command)
app.command("evaluate")(evaluate_command)
app.command("graph")(graph_command)
app.command("init-config")(init_config_command)
app.command("init-encoder")(init_encoder_command)
app.command("labeling-config")(labeling_config_command)
app.command("model-card")(model_card_command)
app.command("pretrain")(pretrain_command)
app.command("select")(select_command)
app.command("serve")(serve_command)
app.command("train", context_settings=TRAIN_CONTEXT)(train_command)
app.command("visualize")(visualize_command)

__all__ = ["app"]
