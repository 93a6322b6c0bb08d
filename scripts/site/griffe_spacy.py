"""An extension of griffe, the reader of mkdocstrings, for docstrings in spaCy's form."""

from typing import Any

from griffe import Extension, Object

from .docstrings import to_google


class SpacyDocstrings(Extension):
    """Hand docstrings to griffe in a form that it can parse."""

    def on_object(self, *, obj: Object, **kwargs: Any) -> None:
        """Rewrite the docstring of an object.

        obj (Object): A module, class, function or attribute.
        **kwargs (Any): Not needed.
        """
        if obj.docstring is not None:
            heading = "Attributes:" if obj.is_class else "Args:"
            obj.docstring.value = to_google(obj.docstring.value, heading=heading)
