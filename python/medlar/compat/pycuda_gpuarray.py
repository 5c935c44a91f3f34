# SPDX-License-Identifier: Apache-2.0
"""As much of pycuda.gpuarray as moving data takes; arithmetic on the device is CUDA code and not here."""
import numpy as np

from . import pycuda_driver as _driver


class GPUArray:
    def __init__(self, shape, dtype):
        self.shape = tuple(shape) if np.iterable(shape) else (int(shape),)
        self.dtype = np.dtype(dtype)
        self.size = int(np.prod(self.shape, dtype=np.int64))
        self.nbytes = self.size * self.dtype.itemsize
        self.gpudata = _driver.mem_alloc(max(self.nbytes, 1))

    @property
    def ptr(self):
        return int(self.gpudata)

    def set(self, array):
        _driver.memcpy_htod(self.gpudata, np.ascontiguousarray(array, self.dtype).reshape(self.shape))

    def get(self):
        out = np.empty(self.shape, self.dtype)
        _driver.memcpy_dtoh(out, self.gpudata)
        return out

    def __int__(self):
        return self.ptr


def empty(shape, dtype):
    return GPUArray(shape, dtype)


def zeros(shape, dtype):
    return GPUArray(shape, dtype)  # memory of the module reads as zero


def to_gpu(array):
    out = GPUArray(np.shape(array), np.asarray(array).dtype)
    out.set(array)
    return out
