"""Requests: what they may hold, and what is wrong with one that may not."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import HTTPException
from pydantic import AfterValidator, BaseModel, Field

from .settings import Settings

INVALID = 'The body must be a JSON object with a list of texts, as {"texts": ["..."]}.'
NOT_JSON = "The request must have the header 'Content-Type: application/json'."
EXAMPLE = "前降支近段轻度狭窄。"


def check_unicode(text: str) -> str:
    """Check that a string can be written. JSON can hold halves of characters that can't.

    text (str): The string.
    RETURNS (str): The same string.
    RAISES (ValueError): If it can't be written.
    """
    text.encode()
    return text


Unicode = Annotated[str, AfterValidator(check_unicode)]


class TextItem(BaseModel):
    """A text with its identifier."""

    id: Unicode | int | None = Field(None, description="Comes back with the result.")
    text: Unicode


class AnnotateRequest(BaseModel):
    """Texts to annotate."""

    texts: list[Unicode | TextItem] = Field(examples=[[EXAMPLE, {"id": "b1", "text": EXAMPLE}]])

    def items(self) -> list[TextItem]:
        """RETURNS (list[TextItem]): The texts, those without identifier too."""
        return [
            TextItem(id=None, text=each) if isinstance(each, str) else each for each in self.texts
        ]


def check_size(items: Sequence[TextItem], settings: Settings) -> None:
    """Check how many texts a request has, and how long they are.

    items (Sequence[TextItem]): The texts.
    settings (Settings): The limits.
    RAISES (HTTPException): If there are too many, or one is too long.
    """
    if len(items) > settings.max_texts:
        raise HTTPException(
            413, f"A request must have at most {settings.max_texts} texts, got {len(items):,}."
        )
    for number, item in enumerate(items):
        if len(item.text) > settings.max_length:
            raise HTTPException(
                413,
                f"texts[{number}] must have at most {settings.max_length:,} characters, got "
                f"{len(item.text):,}.",
            )


def explain(errors: Sequence[Any], path: str) -> str:
    """Say what is wrong with a request, without quoting it.

    errors (Sequence[Any]): The errors, as pydantic lists them.
    path (str): The path of the request.
    RETURNS (str): A sentence about the first one.
    """
    # A body of another type stays bytes.
    if isinstance(errors[0]["input"], bytes):
        return NOT_JSON
    match errors[0]["loc"]:
        case ("body", "texts", int(number), *_):
            return (
                f"texts[{number}] must be a string of valid Unicode, or an object with such a "
                "'text' and an 'id' that is a string or an integer."
            )
        case ("body", ("schema" | "tasks" | "label_config" | "action") as name, *_):
            return f"The body must be as Label Studio sends it: '{name}' is missing or invalid."
        case _:
            return explain_body(path)


def explain_body(path: str) -> str:
    """Say what the body of a request must be.

    path (str): The path of the request.
    RETURNS (str): A sentence.
    """
    if path == "/annotate":
        return INVALID
    return f"The body must be a JSON object, as Label Studio sends it to {path}."
