"""Types of NumPy arrays."""

import numpy
from numpy.typing import NDArray

BoolArray = NDArray[numpy.bool_]
FloatArray = NDArray[numpy.float64]
IntArray = NDArray[numpy.int64]
