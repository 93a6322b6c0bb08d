"""Annotation of the texts of a data frame."""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import minibatch

from ..files.parquet import ROWS_AT_ONCE, make_table, require_pyarrow
from ..loading import entity_group, find_components, read_labels
from .libraries import find_library
from .rows import KINDS, Kind, Row, attribute_columns, columns_of
from .texts import check_ids, read_texts


def annotate(
    frame: Any,
    nlp: Language,
    *,
    text: Any = "text",
    id: Any = None,
    of: Literal["entities", "relations", "records"] = "entities",
    batch_size: int | None = None,
    n_process: int = 1,
) -> Any:
    """Annotate the texts of a data frame.

    frame (Any): A DataFrame of pandas or Polars, or a Dataset of Hugging Face `datasets`.
    nlp (Language): The pipeline.
    text (Any): The column of texts. Missing texts have no rows, and are counted in a warning.
    id (Any): The column of identifiers, which becomes the column `id`; None for no such column.
    of (str): The rows: `entities`, `relations`, or the values of `records`.
    batch_size (int | None): The number of texts in a batch; that of the pipeline if None.
    n_process (int): The number of processes; -1 for one for each CPU.
    RETURNS (Any): A new frame of the same library. Its column `doc` has the number of the row of
        the text, from 0. In pandas, the index is that of the text.
    RAISES (ImportError): If pyarrow is not installed.
    RAISES (ValueError): If an argument is not as described, there is no such column, or a text is
        not a string.
    """
    require_pyarrow("data frames")
    _check_numbers(batch_size, n_process)
    library, kind = find_library(frame), _check(nlp, of)
    texts = read_texts(library, frame, text, max_length=nlp.max_length)
    check_ids(library, frame, id)
    docs = _pipe(nlp, texts, batch_size=batch_size, n_process=n_process)
    columns = dict(kind.columns)
    if of == "entities":
        columns |= attribute_columns(read_labels(nlp)[2])
    # The memory zone frees the strings of the texts, which the vocabulary would keep otherwise.
    with nlp.memory_zone():
        rows = _list_rows(docs, kind, entity_group(nlp))
        table = _join(make_table(columns, []), rows, kind)
    return library.make(table, frame, id, table.column("doc").to_pylist())


def _check(nlp: Any, of: Any) -> Kind:
    if not isinstance(nlp, Language):
        raise ValueError(
            f"nlp: must be a pipeline, as spacy.load returns, got a {type(nlp).__name__}"
        )
    if of not in KINDS:
        raise ValueError(f"of: must be one of {', '.join(KINDS)}; got {of!r}")
    kind = KINDS[of]
    if any(True for _ in find_components(nlp, kind.assigned)):
        return kind
    message = f"no component of the pipeline sets {kind.assigned}, which {of} are made of"
    if of == "records":
        raise ValueError(f"{message}; add str_records")
    warnings.warn(message, stacklevel=3)
    return kind


def _check_numbers(batch_size: int | None, n_process: int) -> None:
    if batch_size is not None and batch_size < 1:
        raise ValueError(f"batch_size: must be at least 1, got {batch_size}")
    if n_process < 1 and n_process != -1:
        raise ValueError(f"n_process: must be at least 1, or -1 for all CPUs; got {n_process}")


def _pipe(
    nlp: Language, texts: Mapping[int, str], *, batch_size: int | None, n_process: int
) -> Iterator[tuple[Doc, int]]:
    pairs = ((text, row) for row, text in texts.items())
    return nlp.pipe(pairs, as_tuples=True, batch_size=batch_size, n_process=n_process)


def _list_rows(docs: Iterable[tuple[Doc, int]], kind: Kind, spans_key: str | None) -> Iterator[Row]:
    for doc, number in docs:
        for row in kind.list_rows(doc, spans_key):
            yield {**row, "doc": number}


def _join(empty: Any, rows: Iterator[Row], kind: Kind) -> Any:
    from pyarrow import concat_tables

    batches = minibatch(rows, ROWS_AT_ONCE)
    tables = [make_table(columns_of(kind, batch), batch) for batch in batches]
    # Columns that not all of them have are those of attributes.
    return concat_tables([empty, *tables], promote_options="default")
