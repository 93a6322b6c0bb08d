"""Merge a graph: entities that are the same become one node, and so do their relations."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from ...files.whole import replaced_whole
from .identity import Identity
from .merged_tables import TABLES
from .merging import Merged, Merging, WriteRow
from .store import Store
from .tables import open_table

DATABASE = "counts.sqlite"


def merge_graph(parts: Iterable[Path], output: Path, identity: Identity) -> Merged:
    """Merge the parts of an archive into one graph.

    parts (Iterable[Path]): The folders of the parts.
    output (Path): The folder to write. A graph that was merged there before is replaced.
    identity (Identity): Tells which entities are the same.
    RETURNS (Merged): What was merged.
    RAISES (ValueError): If the output is not a merged graph, a part is damaged, or there are no
        entities of the types that are to be merged.
    """
    _check_output(output)
    with replaced_whole(output) as folder:
        folder.mkdir()
        database = folder / DATABASE
        with _open_tables(folder) as write_row, closing(Store(database)) as store:
            merging = Merging(identity, store, write_row)
            for part in parts:
                merging.add(part)
            merging.finish()
        database.unlink()
    return merging.merged


def _check_output(output: Path) -> None:
    if not output.exists():
        return
    names = {each.name for each in output.iterdir()} if output.is_dir() else {output.name}
    if names and names != TABLES.keys():
        other = min(names - TABLES.keys() or names)
        raise ValueError(NOT_MERGED.format(output=output, other=other))


NOT_MERGED = (
    "{output}: there is something else than a merged graph ({other}). Choose another folder, or "
    "empty this one."
)


@contextmanager
def _open_tables(folder: Path) -> Iterator[WriteRow]:
    with ExitStack() as files:
        writers = {
            name: files.enter_context(open_table(folder / name, headers))
            for name, headers in TABLES.items()
        }
        yield lambda name, row: writers[name]([row])
