"""Labels of components that go on training in another pipeline.

spaCy does not initialize sourced components, so these read the settings of their initialization.
"""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, NamedTuple

from spacy.language import Language
from spacy.training import Example
from spacy.util import registry, resolve_dot_names

# spaCy initializes components with this many examples of a corpus that does not end.
SAMPLE = 100
# What to do about an unknown label: after initialization, in a sourced component, and in one that
# learns new labels.
INIT_LABELS = "Run `spacy init labels` on all of the training data."
LEARN = (
    "To learn it, set `learn_new_labels = true` under [initialize.components.{name}], and read the "
    "training data with spacy-str-encoder.Corpus.v1."
)
LIST = (
    "Only the first 100 examples of a corpus with `max_epochs = -1` were searched for labels. List "
    "all labels in a file, and name it under [initialize.components.{name}.labels]."
)


# What to do about labels that a file lacks.
ADD_LABELS = (
    "Add them to the file: `spacy init labels` writes it again, except for sourced components."
)


class LabelSource(NamedTuple):
    """Source of the labels of a component.

    get_examples (Callable[[], Iterable[Example]]): Function that returns the training examples.
    labels (Any | None): The labels of a label file; None if there is none.
    """

    get_examples: Callable[[], Iterable[Example]]
    labels: Any | None


def find_new_labels(nlp: Language, name: str) -> LabelSource | None:
    """Find out where a component gets new labels from.

    nlp (Language): The pipeline.
    name (str): The name of the component.
    RETURNS (LabelSource | None): The source; None unless the config says `learn_new_labels`.
    RAISES (ValueError): If `learn_new_labels` is neither true nor false.
    """
    if name not in nlp.config["initialize"]["components"]:
        return None
    config = nlp.config.interpolate()
    training, components = config["training"], config["initialize"]["components"]
    learns = components[name].get("learn_new_labels", False)
    if not isinstance(learns, bool):
        raise ValueError(f"{name}: learn_new_labels must be true or false, got {learns!r}.")
    if not learns or name in training["frozen_components"]:
        return None
    [corpus] = resolve_dot_names(config, [training["train_corpus"]])
    limit = SAMPLE if training["max_epochs"] == -1 else None
    labels = registry.resolve(components)[name].get("labels")
    return LabelSource(lambda: islice(corpus(nlp), limit), labels)
