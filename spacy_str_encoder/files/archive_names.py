"""Names of the files in an output folder of `annotate`."""

import re

MANIFEST = "manifest.jsonl"
REJECTED = "rejected.jsonl"
# Without suffix, as `name_part` gives them. Other tools write similar names.
PART = re.compile(r"part-\d{5,}-\d{6,}")


def name_part(source: int, chunk: int) -> str:
    """Name the file that a chunk is written to.

    source (int): The number of its source.
    chunk (int): The number of the chunk in its source.
    RETURNS (str): The name, without suffix.
    """
    return f"part-{source:05d}-{chunk:06d}"
