"""Hooks of mkdocs: pages outside of docs/, and links as they are on a code host."""

import logging
import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

# It would tell that it loads its dictionary.
logging.getLogger("jieba").setLevel(logging.WARNING)
ROOT = Path(__file__).parents[2]
# Pages outside of docs/, and where they are on the site.
PAGES = {
    "README.md": "index.html",
    "README.zh-CN.md": "zh-CN/index.html",
    "CHANGELOG.md": "changes/index.html",
    "assets/README.md": "corpus/index.html",
}
CHINESE_PAGE = re.compile(r"README\.zh-CN\.md|docs/zh/.*")
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s#]+)\)")
CHINESE_LINE_END = re.compile(
    r"(?<=[\u3000-\u9fff\uff00-\uffef])\n(?=[\u3000-\u9fff\uff00-\uffef])"
)
NAMED_BLOCK = re.compile(r"^```(\w+) ([\w.-]+)$", flags=re.MULTILINE)


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Give every page the path that it has in the repository, so that mkdocs follows the links
    between them as a code host does.

    files (Files): The files of docs/ and of the theme.
    config (MkDocsConfig): The config.
    RETURNS (Files): The same files, and the pages outside of docs/.
    """
    pages = [_make_file(path, place, config) for path, place in PAGES.items()]
    for file in files:
        is_page = file.src_dir == config.docs_dir
        path = f"docs/{file.src_uri}"
        pages.append(_make_file(path, file.dest_uri, config) if is_page else file)
    return Files(pages)


def on_page_markdown(markdown: str, *, page: Page, files: Files, **kwargs: Any) -> str:
    """Write what a code host shows and the site has otherwise.

    markdown (str): The text of a page.
    page (Page): The page.
    files (Files): All files of the site.
    **kwargs (Any): Not needed.
    RETURNS (str): The text, without links to files of the repository that are no pages, and with
        the names of files as titles of their blocks.
    """
    page.meta["language"] = "zh" if CHINESE_PAGE.fullmatch(page.file.src_uri) else ""
    folder = posixpath.dirname(page.file.src_uri)

    def unlink(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(folder, link[2]))
        is_file = path not in files.src_uris and (ROOT / path).exists()
        return link[1] if is_file else link[0]

    # Browsers show the end of a line as a space, and Chinese has none between words.
    markdown = CHINESE_LINE_END.sub("", markdown)
    return LINK.sub(unlink, NAMED_BLOCK.sub(r'```\1 title="\2"', markdown))


def _make_file(path: str, place: str, config: MkDocsConfig) -> File:
    return File(path, str(ROOT), config.site_dir, config.use_directory_urls, dest_uri=place)
