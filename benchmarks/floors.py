"""How many multiply-adds the linear maps need at least, in units of the squared width.

A layer has 12 of them a row: one each for queries, keys, values and the output of attention, and
eight for the feed-forward part. Attention itself, a few percent, is left out.
"""


def plain(layers: int, pieces: int) -> float:
    """RETURNS (float): One pass through an encoder, for one sentence."""
    return 12 * layers * pieces


def pair_mask(focus_layers: int, rows: float) -> float:
    """Eq. 14, for one pair.

    The queries, keys and values of the first focused layer are those of the sentence; the last
    one has only the `[CLS]` row as a query.

    focus_layers (int): K.
    rows (float): The rows in focus.
    RETURNS (float): Multiply-adds.
    """
    if focus_layers == 1:
        return 9
    first, last = 9 * rows, 2 * rows + 10
    return first + 12 * rows * (focus_layers - 2) + last


def cls_mask(focus_layers: int, rows: float, pieces: int) -> float:
    """Eq. 13, for one pair.

    In the first focused layer only the `[CLS]` row differs from pair to pair. In the last only
    that row is a query, and its keys are the rows in focus; so in the layer before, these alone
    are queries.

    focus_layers (int): K.
    rows (float): The rows in focus.
    pieces (int): The pieces of the sentence.
    RETURNS (float): Multiply-adds.
    """
    if focus_layers < 3:
        return 9 if focus_layers == 1 else 9 + 12
    last = 2 * rows + 10
    if focus_layers == 3:
        return 9 + (3 + 9 * rows) + last
    whole = 3 + 9 * pieces + 12 * pieces * (focus_layers - 4)
    return 9 + whole + (2 * pieces + 10 * rows) + last


def whole_mask(focus_layers: int, pieces: int) -> float:
    """RETURNS (float): Running the last K layers again on every row, for one pair."""
    return 12 * focus_layers * pieces
