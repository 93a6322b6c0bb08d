"""Parquet files, which require an optional library."""

import json
from importlib.util import find_spec
from typing import Any


def require_pyarrow() -> None:
    """Check that the library for Parquet files is installed.

    RAISES (ImportError): If it is not installed.
    """
    if find_spec("pyarrow") is None:
        raise ImportError(
            "Parquet files require pyarrow; install it with "
            "pip install 'spacy_str_encoder[parquet]'"
        )


def to_string(value: Any) -> str | None:
    """Convert a value for a string column. Values other than strings become JSON.

    value (Any): The value.
    RETURNS (str | None): The string; None for None.
    """
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
