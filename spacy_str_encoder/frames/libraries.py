"""Frames of each library: their columns, and frames that are made of Arrow tables."""

from typing import Any, Protocol


class Library(Protocol):
    """Functions that read and make frames of a library."""

    def list_columns(self, frame: Any) -> list[Any]:
        """RETURNS (list[Any]): The names of the columns of a frame."""

    def read(self, frame: Any, name: Any) -> list[Any]:
        """RETURNS (list[Any]): The values of a column, None for missing ones."""

    def make(self, table: Any, frame: Any, id: Any, rows: list[int]) -> Any:
        """Make a frame.

        table (pyarrow.Table): The columns but for the identifiers, the number of the text first.
        frame (Any): The frame of texts.
        id (Any): The column of the frame that holds the identifiers; None for none.
        rows (list[int]): The number of the text of each row.
        RETURNS (Any): A frame of the same library, with the identifiers as second column, `id`.
        """


class Pandas:
    """Frames of pandas. Rows have the index of their text."""

    def list_columns(self, frame: Any) -> list[Any]:  # noqa: D102
        return [*frame.columns]

    def read(self, frame: Any, name: Any) -> list[Any]:  # noqa: D102
        column = frame[name]
        if column.ndim > 1:
            raise ValueError(f"there must be one column {name!r}, got {column.shape[1]}")
        missing = column.isna()
        return [None if is_na else each for each, is_na in zip(column, missing, strict=True)]

    def make(self, table: Any, frame: Any, id: Any, rows: list[int]) -> Any:  # noqa: D102
        import pandas
        import pyarrow

        # Integers that can be missing would be floats.
        types = {pyarrow.int64(): pandas.Int64Dtype()}
        made = table.to_pandas(types_mapper=types.get).set_axis(frame.index.take(rows))
        if id is not None:
            made.insert(1, "id", frame[id].take(rows).array)
        return made


class Polars:
    """Frames of Polars."""

    def list_columns(self, frame: Any) -> list[Any]:  # noqa: D102
        return list(frame.columns)

    def read(self, frame: Any, name: Any) -> list[Any]:  # noqa: D102
        values: list[Any] = frame[name].to_list()
        return values

    def make(self, table: Any, frame: Any, id: Any, rows: list[int]) -> Any:  # noqa: D102
        import polars

        made: Any = polars.from_arrow(table)
        if id is not None:
            places = polars.Series(rows, dtype=polars.Int64)
            made.insert_column(1, frame[id].gather(places).alias("id"))
        return made


class Datasets:
    """Data sets of Hugging Face `datasets`."""

    def list_columns(self, frame: Any) -> list[Any]:  # noqa: D102
        return list(frame.column_names)

    def read(self, frame: Any, name: Any) -> list[Any]:  # noqa: D102
        return list(frame.with_format(None)[name])

    def make(self, table: Any, frame: Any, id: Any, rows: list[int]) -> Any:  # noqa: D102
        import pyarrow
        from datasets import Dataset

        if id is not None:
            # Features, such as names of classes, are in the metadata of the schema.
            given = frame.select_columns([id]).with_format("arrow")[:].column(id)
            taken = given.take(pyarrow.array(rows, pyarrow.int64()))
            table = table.add_column(1, "id", taken)
        return Dataset(table)


LIBRARIES: dict[tuple[str, str], Library] = {
    ("pandas", "DataFrame"): Pandas(),
    ("polars", "DataFrame"): Polars(),
    ("datasets", "Dataset"): Datasets(),
}


def find_library(frame: Any) -> Library:
    """Find the library of a frame, without an import of any.

    frame (Any): The frame.
    RETURNS (Library): Its library.
    RAISES (ValueError): If it is not a frame.
    """
    for base in type(frame).__mro__:
        library = LIBRARIES.get((base.__module__.partition(".")[0], base.__name__))
        if library is not None:
            return library
    known = ", ".join(".".join(names) for names in LIBRARIES)
    kind = type(frame)
    advice = "; call its method collect() first" if kind.__name__ == "LazyFrame" else ""
    raise ValueError(
        f"frame: must be one of {known}; got {kind.__module__}.{kind.__qualname__}{advice}"
    )
