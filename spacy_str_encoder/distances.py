"""Bins of the distance between two entities."""

from bisect import bisect_left

# The greatest number of tokens between two entities in each bin except the last, which is open.
FARTHEST = (0, 2, 5, 10, 20, 50)
# The least and the greatest number in each bin.
BINS = tuple(zip((0, *(most + 1 for most in FARTHEST)), (*FARTHEST, None), strict=True))


def find_bin(tokens: int) -> int:
    """Find the bin of a distance.

    tokens (int): The number of tokens between two entities.
    RETURNS (int): The index of its bin.
    """
    return bisect_left(FARTHEST, tokens)


def name_bin(least: int, most: int | None) -> str:
    """Name the distances in a bin.

    least (int): The least number of tokens.
    most (int | None): The greatest number of tokens, or None if there is no limit.
    RETURNS (str): The name.
    """
    if most is None:
        return f"more than {least - 1}"
    return f"{least}" if least == most else f"{least} to {most}"
