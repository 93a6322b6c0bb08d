"""The description of the service as OpenAPI."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from .requests import EXAMPLE

ANSWER = {
    "version": 1,
    "results": [
        {
            "id": "b1",
            "text": EXAMPLE,
            "entities": [
                {"start": 0, "end": 3, "label": "BodyPart", "score": 0.99},
                {"start": 3, "end": 5, "label": "Location", "score": 0.98},
            ],
            "relations": [{"head": 0, "tail": 1, "label": "Position", "score": 0.97}],
            "records": None,
        },
        {"id": None, "error": "On this text, the pipeline failed (ValueError)."},
    ],
}
SCHEME = {"token": {"type": "http", "scheme": "bearer"}}


def describe(app: FastAPI) -> dict[str, Any]:
    """Describe the paths of an application, with the first paragraph of each docstring: the rest is
    for those who read the code.

    app (FastAPI): The application.
    RETURNS (dict[str, Any]): The description.
    """
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, routes=app.routes)
        for operations in schema["paths"].values():
            for operation in operations.values():
                del operation["summary"]
                operation["description"] = _shorten(operation.get("description", ""))
        annotate = schema["paths"]["/annotate"]["post"]
        annotate["responses"]["200"]["content"]["application/json"] = {"example": ANSWER}
        # A service without tokens ignores it.
        annotate["security"] = [{"token": []}, {}]
        schema["components"]["securitySchemes"] = SCHEME
        app.openapi_schema = schema
    return app.openapi_schema


def _shorten(docstring: str) -> str:
    paragraph = " ".join(docstring.partition("\n\n")[0].split())
    return paragraph.partition("): ")[2] if paragraph.startswith("RETURNS") else paragraph
