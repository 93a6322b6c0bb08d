"""The callback that looks at training data."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

from spacy.language import Language
from spacy.training import Example

from .corpora import find_path, read
from .counts import CorpusCounts, count_corpus
from .doubts import find_doubts, find_flat_score, find_other_schedule, find_rare_evaluations
from .problems import find_problems
from .trained import find_trained

CORPORA = {"train": "train_corpus", "dev": "dev_corpus"}
# Of a stream, spaCy looks at as many.
SAMPLE = 100


def create_check() -> Callable[[Language], Language]:
    """Create the callback, for `before_init` of configs.

    RETURNS (Callable[[Language], Language]): The function `check_data`.
    """
    return check_data


def check_data(nlp: Language) -> Language:
    """Check the training data and the data to score on, before a pipeline is initialized.

    Only corpora with a path are checked. If the training data is not there, nothing is: training
    then says so, or the pipeline is initialized with other examples.

    nlp (Language): The pipeline.
    RETURNS (Language): The same pipeline.
    RAISES (ValueError): If nothing can be learned or scored; the error lists all reasons.
    """
    training = nlp.config.interpolate()["training"]
    paths = {name: find_path(nlp, training[key]) for name, key in CORPORA.items()}
    if paths["train"] is None or not paths["train"].exists() or not _can_tokenize(nlp):
        return nlp
    trained, problems = find_trained(nlp), []
    corpora: dict[str, CorpusCounts] = {}
    for name in (name for name, path in paths.items() if path is not None):
        try:
            corpora[name] = count_corpus(_read(nlp, name, training), trained.spans_key)
        except ValueError as error:
            problems.append(str(error))
    problems += find_problems(corpora, trained, lang=nlp.lang)
    if problems:
        raise ValueError("\n".join(["The data can't be trained on:", *problems]))
    doubts = [*find_other_schedule(training)]
    doubts += find_rare_evaluations(training["max_steps"], training["eval_frequency"])
    doubts += find_flat_score(training["score_weights"], trained)
    if corpora.keys() == CORPORA.keys():
        doubts += find_doubts(corpora["train"], corpora["dev"], trained)
    for doubt in doubts:
        warnings.warn(doubt, stacklevel=2)
    return nlp


def _can_tokenize(nlp: Language) -> bool:
    # Some tokenizers, such as pkuseg for Chinese, are initialized later.
    try:
        nlp.make_doc("a")
    except ValueError:
        return False
    return True


def _read(nlp: Language, name: str, training: Mapping[str, Any]) -> Iterator[Example]:
    is_stream = name == "train" and training["max_epochs"] == -1
    return islice(read(nlp, training[CORPORA[name]]), SAMPLE if is_stream else None)
