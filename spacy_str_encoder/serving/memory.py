"""Memory that the C library keeps."""

import ctypes
import sys


def release_free_memory() -> None:
    """Give memory that is free back to the system. The C library of most Linux systems keeps it, in
    pieces that batches of other sizes can't use, so a process would grow for hours.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        # Other C libraries have no such function.
        if trim is not None:
            trim(0)
