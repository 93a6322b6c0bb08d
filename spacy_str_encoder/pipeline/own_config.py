import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from spacy.language import Language


class OwnConfig:
    """Config of a component in its pipeline. A saved pipeline is made from it, so it has to follow
    settings that are changed in Python. What is not a setting is noted in `nlp.meta`."""

    def __init__(self, nlp: Language | None = None) -> None:
        """Remember the pipeline. It lacks the component while this is being made.

        nlp (Language | None): The pipeline; None in a worker process.
        """
        self._nlp = None if nlp is None else weakref.ref(nlp)

    def __reduce__(self) -> Any:
        return OwnConfig, ()

    def __deepcopy__(self, memo: dict[int, Any]) -> "OwnConfig":
        return OwnConfig(memo.get(id(self.find())))

    def find(self) -> Language | None:
        """RETURNS (Language | None): The pipeline; None in a worker process."""
        return None if self._nlp is None else self._nlp()

    @contextmanager
    def moved_to(self, nlp: Language) -> Iterator[None]:
        """Move the component to another pipeline, unless an error occurs.

        nlp (Language): The pipeline.
        """
        before, self._nlp = self._nlp, weakref.ref(nlp)
        try:
            yield
        except Exception:
            self._nlp = before
            raise

    def is_of(self, nlp: Language) -> bool:
        """RETURNS (bool): Whether this is the pipeline."""
        return self.find() is nlp

    def set(self, component: Callable[..., Any], setting: str, value: Any) -> bool:
        """Change a setting.

        component (Callable[[Doc], Doc]): The component.
        setting (str): The name of the setting.
        value (Any): Its value.
        RETURNS (bool): Whether the component is in the pipeline.
        """
        nlp = self.find()
        names = [] if nlp is None else nlp.component_names
        for name in names:
            if nlp is not None and nlp.get_pipe(name) is component:
                nlp.get_pipe_config(name)[setting] = value
                return True
        return False

    def note(self, topic: str, name: str, value: Any) -> None:
        """Note something about the component in `nlp.meta`, if it is in a pipeline.

        topic (str): The field of `nlp.meta`, a dict of components.
        name (str): The name of the component.
        value (Any): The value.
        """
        if (nlp := self.find()) is not None:
            notes = nlp.meta.get(topic)
            nlp.meta[topic] = {**(notes if isinstance(notes, dict) else {}), name: value}
