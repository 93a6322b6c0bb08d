"""Minimum number of multiply-adds of the linear layers, in units of the squared width.

A transformer layer has 12 per row: one each for queries, keys, values and the output of attention,
and eight for the feed-forward layers. Attention itself takes a few percent and is left out.
"""


def plain(layers: int, pieces: float) -> float:
    """Count one pass of the encoder over a sentence.

    layers (int): The number of layers.
    pieces (float): The number of pieces in the sentence.
    RETURNS (float): The multiply-adds.
    """
    return 12 * layers * pieces


def pair_mask(focus_layers: int, rows: float) -> float:
    """Count the focused layers for one pair under the mask of Eq. 14.

    The first focused layer shares the queries, keys and values of the sentence. In the last one,
    only the `[CLS]` row is a query.

    focus_layers (int): The number of focused layers, K.
    rows (float): The number of rows in focus.
    RETURNS (float): The multiply-adds.
    """
    if focus_layers == 1:
        return 9
    first, last = 9 * rows, 2 * rows + 10
    return first + 12 * rows * (focus_layers - 2) + last


def cls_mask(focus_layers: int, rows: float, pieces: int) -> float:
    """Count the focused layers for one pair under the mask of Eq. 13.

    In the first focused layer, only the `[CLS]` row differs between pairs. In the last one, only
    this row is a query, and its keys are the rows in focus. So in the layer before, only the rows
    in focus are queries.

    focus_layers (int): The number of focused layers, K.
    rows (float): The number of rows in focus.
    pieces (int): The number of pieces in the sentence.
    RETURNS (float): The multiply-adds.
    """
    if focus_layers < 3:
        return 9 if focus_layers == 1 else 9 + 12
    last = 2 * rows + 10
    if focus_layers == 3:
        return 9 + (3 + 9 * rows) + last
    whole = 3 + 9 * pieces + 12 * pieces * (focus_layers - 4)
    return 9 + whole + (2 * pieces + 10 * rows) + last


def whole_mask(focus_layers: int, pieces: int) -> float:
    """Count the last layers for one pair if they run again on all rows.

    focus_layers (int): The number of focused layers, K.
    pieces (int): The number of pieces in the sentence.
    RETURNS (float): The multiply-adds.
    """
    return 12 * focus_layers * pieces
