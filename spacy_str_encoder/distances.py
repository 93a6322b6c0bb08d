"""How far apart entities are, in bins."""

from bisect import bisect_left

# The greatest number of tokens between two entities in each bin but the last, which has no end.
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
    """Say which distances a bin has.

    least (int): The least number of tokens.
    most (int | None): The greatest; None if there is none.
    RETURNS (str): The name.
    """
    if most is None:
        return f"more than {least - 1}"
    return f"{least}" if least == most else f"{least} to {most}"
