"""A page to look at: entities and relations of docs, and where they differ from gold ones."""

from .page import Page, render
from .views import DocView, compare_docs, view_doc

__all__ = ["DocView", "Page", "compare_docs", "render", "view_doc"]
