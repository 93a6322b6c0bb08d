"""The config to go on training with the components of a trained pipeline."""

import json

from thinc.api import Config

from .template import ATTRIBUTES
from .text import write_lines
from .trained import ENCODER, LEARNERS, Trained

TEMPLATE = """\
# Training that goes on with a trained pipeline: `source` takes each component with its weights,
# labels and settings.

[paths]
pipeline = {pipeline}
train = "corpus/train.spacy"
dev = "corpus/dev.spacy"

[system]
gpu_allocator = "pytorch"
seed = 0

{nlp}

[components]

{components}
[corpora]

[corpora.train]
@readers = "spacy-str-encoder.Corpus.v1"
path = ${{paths.train}}
{corpus}
[corpora.dev]
@readers = "spacy-str-encoder.Corpus.v1"
path = ${{paths.dev}}
{corpus}
[training]
seed = ${{system.seed}}
gpu_allocator = ${{system.gpu_allocator}}
dropout = 0.1
patience = 0
max_epochs = 0
max_steps = ${{training.optimizer.learn_rate.total_steps}}
eval_frequency = 200
{frozen}
[training.batcher]
@batchers = "spacy.batch_by_sequence.v1"
size = 4

[training.optimizer]
@optimizers = "Adam.v1"
L2 = 0.01

[training.optimizer.learn_rate]
@schedules = "spacy-str-encoder.warmup_linear.v1"
# The number of updates: max_steps above follows it. 0 is replaced by that of after_init below.
total_steps = 0
# Half of the rate for a new pipeline.
initial_rate = 5e-4

[training.score_weights]
{score_weights}
[initialize]
vectors = {vectors}

# Looks at the data: an error if nothing can be learned, warnings if scores may mislead.
[initialize.before_init]
@callbacks = "spacy-str-encoder.check_data.v1"

# Chooses the number of updates by the size of the training data, if total_steps is 0: half as many
# passes as for a new pipeline.
[initialize.after_init]
@callbacks = "spacy-str-encoder.plan_updates.v1"
epochs = 6
min_steps = 600
max_steps = 5000

[initialize.components]
{learned}{tokenizer}"""
FROZEN = """\
# Components in the second list also run in training, for the others to read.
frozen_components = {frozen}
annotating_components = {annotating}
"""
OTHERS = "# Nothing is known to train these on, so they stay as they are: {names}.\n"
LEARNED = """
[initialize.components.{name}]
learn_new_labels = true
"""


def continue_config(trained: Trained, *, freeze_encoder: bool = False) -> str:
    """Make the config to go on training with all components of a pipeline.

    trained (Trained): The pipeline.
    freeze_encoder (bool): Whether its encoder stays as it is.
    RETURNS (str): The text of the config, with comments.
    RAISES (ValueError): If there is no encoder to freeze.
    """
    encoders = trained.find(ENCODER) if freeze_encoder else []
    if freeze_encoder and not encoders:
        raise ValueError(f"--freeze-encoder requires a pipeline with {ENCODER}: {trained.name}")
    config = trained.config
    names = config["nlp"]["pipeline"]
    sources = (f"[components.{name}]\nsource = ${{paths.pipeline}}\n" for name in names)
    corpus = config.get("corpora", {}).get("train") or {}
    tokenizer = config["initialize"].get("tokenizer") or {}
    return TEMPLATE.format(
        pipeline=json.dumps(trained.name),
        nlp=Config({"nlp": config["nlp"]}).to_str(),
        components="\n".join(sources),
        corpus="gold_entities = true\n" if corpus.get("gold_entities") else "",
        frozen=_freeze(trained, encoders),
        score_weights=write_lines(_weigh(trained)),
        vectors="${paths.pipeline}" if trained.has_vectors else "null",
        learned="".join(LEARNED.format(name=name) for name in trained.find(*LEARNERS)),
        tokenizer=f"\n[initialize.tokenizer]\n{write_lines(tokenizer)}" if tokenizer else "",
    )


def _freeze(trained: Trained, encoders: list[str]) -> str:
    others, training = trained.find_others(), trained.config["training"]
    # What was frozen annotated for that reason.
    frozen = training.get("frozen_components") or []
    annotating = training.get("annotating_components") or []
    kept = [name for name in annotating if name not in frozen or name in others]
    annotating = [*encoders, *(name for name in kept if name not in encoders)]
    if not (others or annotating):
        return ""
    lines = FROZEN.format(
        frozen=json.dumps([*encoders, *others]), annotating=json.dumps(annotating)
    )
    return (OTHERS.format(names=", ".join(others)) if others else "") + lines


def _weigh(trained: Trained) -> dict[str, float | None]:
    """Weigh the scores of the components that learn. Those of the others do not count."""
    known = trained.config["training"].get("score_weights") or {}
    weights: dict[str, float | None] = {name: None for name, weight in known.items() if weight}
    for name in trained.find("str_ner"):
        key = trained.config["components"][name].get("spans_key")
        # `ents_f` does not see entities inside others.
        weights |= {"ents_f": 0.5} if key is None else {"ents_f": 0.0, f"spans_{key}_f": 0.5}
    if trained.find("str_rel"):
        weights["rels_f"] = 0.5
    if trained.find("str_attr"):
        weights |= ATTRIBUTES
    return weights
