"""A page to try the pipeline with a text. It loads nothing from elsewhere."""

from collections.abc import Callable
from importlib.resources import files

from fastapi import FastAPI, Response

from ..visualize.page import read_asset

# No script or style inside of the HTML is run, and nothing is sent to others.
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # A page of another version would not fit.
    "Cache-Control": "no-cache",
}
TYPES = {"css": "text/css", "html": "text/html", "js": "text/javascript"}
PAGE = "try.html"
# Drawn as `visualize` does.
SHARED = ("page.css", "arcs.js")
OWN = (PAGE, "try.css", "try.js", "words.js")
PATHS = {"/" if name == PAGE else f"/{name}": name for name in (*OWN, *SHARED)}


def add_page(app: FastAPI) -> None:
    """Add the page, its styles and its scripts.

    app (FastAPI): The application.
    """
    for path, name in PATHS.items():
        content = read_asset(name) if name in SHARED else _read(name)
        response = Response(content, headers=HEADERS, media_type=TYPES[name.rpartition(".")[2]])
        add = app.api_route(path, methods=["GET", "HEAD"], include_in_schema=False)
        add(_always(response))


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _always(response: Response) -> Callable[[], Response]:
    return lambda: response
