"""A self-contained HTML page, which loads nothing and only runs its own script."""

from base64 import b64encode
from collections.abc import Collection, Iterable, Sequence
from hashlib import sha256
from html import escape
from importlib.resources import files
from pathlib import Path

from ..files.whole import written_whole
from .markup import hues_of_labels, render_doc
from .views import DocView

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{hash}'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>{title}</h1>
{filters}
<p id="shown" role="status"></p>
</header>
<main>
{docs}
</main>
<script>{script}</script>
</body>
</html>
"""
FILTER = """<fieldset data-filter="{name}"><legend>{legend}</legend>
{buttons}{boxes}
</fieldset>"""
# With two boxes, one click is enough anyway.
BUTTONS = """<span><button type="button" data-choose="all">all</button> \
<button type="button" data-choose="none">none</button></span>
"""
FEW_BOXES = 2
BOX = (
    '<label class="{name}" {style}><input type="checkbox" checked value="{value}"> {value}</label>'
)
KINDS = ("missed", "wrong", "correct")


class Page:
    """An HTML page, shown in a frame in notebooks."""

    def __init__(self, html: str) -> None:
        """Create a page.

        html (str): The HTML.
        """
        self.html = html

    def __str__(self) -> str:
        return self.html

    def _repr_html_(self) -> str:
        # A frame keeps the styles and scripts of the page and the notebook apart.
        return (
            f'<iframe srcdoc="{escape(self.html)}" sandbox="allow-scripts" title="Entities and '
            'relations" style="width: 100%; height: 32em; border: 0; resize: vertical"></iframe>'
        )

    def save(self, path: str | Path) -> None:
        """Save the page to a file.

        path (str | Path): The file.
        """
        with written_whole(Path(path)) as unfinished:
            unfinished.write_text(self.html, "utf-8")


def render(
    views: Iterable[DocView], *, title: str = "Entities and relations", lang: str = ""
) -> Page:
    """Render docs as a page.

    views (Iterable[DocView]): The docs, in the order to show them.
    title (str): The title of the page.
    lang (str): The language code of the texts, for screen readers and fonts; empty if unknown.
    RETURNS (Page): The page.
    RAISES (ValueError): If these are no views.
    """
    views = _check_views(views)
    hues = hues_of_labels(views)
    docs = (render_doc(view, number, hues, lang=lang) for number, view in enumerate(views, start=1))
    script = read_asset("arcs.js") + read_asset("page.js")
    return Page(
        PAGE.format(
            title=escape(title),
            hash=b64encode(sha256(script.encode()).digest()).decode(),
            style=read_asset("page.css"),
            filters=_render_filters(views, hues),
            docs="\n".join(docs),
            script=script,
        )
    )


def _check_views(views: object) -> list[DocView]:
    if not isinstance(views, Iterable):
        raise ValueError(NO_VIEWS.format(kind=type(views).__name__))
    items = list(views)
    for item in items:
        if not isinstance(item, DocView):
            raise ValueError(NO_VIEWS.format(kind=type(item).__name__))
    return items


NO_VIEWS = (
    "views: must be a list of views, got {kind}. Write render([view_doc(doc)]), or "
    "render([view_doc(doc) for doc in docs])."
)


def read_asset(name: str) -> str:
    """Read a style sheet or a script of pages.

    name (str): The name of the file.
    RETURNS (str): Its content.
    """
    return files(__package__).joinpath(name).read_text("utf-8")


def _render_filters(views: Sequence[DocView], hues: dict[str, int]) -> str:
    relations = {relation.label for view in views for relation in view.relations}
    kinds = {kind for view in views for kind in view.kinds}
    compared: list[str] = [kind for kind in KINDS if kind in kinds]
    filters: list[tuple[str, str, list[str]]] = [
        ("kind", "Kinds", compared),
        ("entity", "Entities", [*hues]),
        ("relation", "Relations", sorted(relations)),
    ]
    return "\n".join(
        _filter(name, legend, values, hues) for name, legend, values in filters if values
    )


def _filter(name: str, legend: str, values: Collection[str], hues: dict[str, int]) -> str:
    boxes = []
    for value in values:
        style = f'style="--hue: {hues[value]}"' if name == "entity" else ""
        kind = f"{name} {value}" if name == "kind" else name
        boxes.append(BOX.format(name=kind, style=style, value=escape(value)))
    buttons = BUTTONS if len(boxes) > FEW_BOXES else ""
    return FILTER.format(name=name, legend=legend, buttons=buttons, boxes="\n".join(boxes))
