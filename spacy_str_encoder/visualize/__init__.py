"""An HTML page with the entities and relations of docs, and their differences from gold docs."""

from .page import Page, render
from .views import DocView, compare_docs, view_doc

__all__ = ["DocView", "Page", "compare_docs", "render", "view_doc"]
