"""Counts in sentences."""


def count_noun(count: int, noun: str) -> str:
    """Format a count with its noun.

    count (int): The count.
    noun (str): The noun in the singular, such as "entity" or "gold entity".
    RETURNS (str): The count and the noun, such as "1 entity" and "2,000 entities".
    """
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun[:-1]}ies" if noun.endswith("y") else f"{count:,} {noun}s"
