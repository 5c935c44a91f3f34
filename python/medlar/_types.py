# SPDX-License-Identifier: Apache-2.0
"""Element types of the C++ API (their numbers are TensorRT's) and NumPy's."""
import numpy as np

NUMPY = {0: np.float32, 1: np.float16, 2: np.int8, 3: np.int32, 4: np.bool_, 5: np.uint8, 8: np.int64, 64: np.float64,
         65: np.int16, 66: np.uint16, 67: np.uint32, 68: np.uint64}
CORE = {np.dtype(value): key for key, value in NUMPY.items()}
PLACED = ("dla", "gpu", "cpu", "folded")
