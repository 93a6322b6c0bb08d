from collections.abc import Callable
from typing import Any

from spacy.language import Language
from spacy.pipeline.functions import DocCleaner
from spacy.tokens import Doc

from ..doc.states import drop_states


@Language.factory("str_cleaner", requires=["doc._.trf_data"])
def make_str_cleaner(nlp: Language, name: str) -> "StateCleaner":
    """Construct a `str_cleaner` component.

    nlp (Language): The pipeline.
    name (str): The name of the component.
    RETURNS (StateCleaner): The component.
    """
    return StateCleaner(name)


class StateCleaner:
    """Drops the states of encoders from docs: megabytes that nothing needs after the last component
    that reads them. All else stays, `doc.tensor` too, which spaCy's `doc_cleaner` would remove.
    """

    def __init__(self, name: str = "str_cleaner") -> None:
        """Initialize the component, see `make_str_cleaner`."""
        self.name = name

    def __call__(self, doc: Doc) -> Doc:
        """Drop the states of a doc.

        doc (Doc): The doc.
        RETURNS (Doc): The same doc.
        """
        drop_states(doc)
        return doc


def drops_states(component: Callable[[Doc], Doc] | Any) -> bool:
    """RETURNS (bool): Whether a component drops the states of encoders."""
    if isinstance(component, DocCleaner):
        return "_.trf_data" in component.cfg["attrs"]
    return isinstance(component, StateCleaner)
