"""Parquet files, for which there is a library that need not be installed."""

import json
from importlib.util import find_spec
from typing import Any


def require_pyarrow() -> None:
    """Check that Parquet files can be read and written.

    RAISES (ImportError): If they can't.
    """
    if find_spec("pyarrow") is None:
        raise ImportError("Parquet files need pyarrow: pip install 'spacy_str_encoder[parquet]'")


def to_string(value: Any) -> str | None:
    """Make what a column of strings holds: what is no string is written as JSON.

    value (Any): The value.
    RETURNS (str | None): The string; None for None.
    """
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
