# SPDX-License-Identifier: Apache-2.0
"""CUDA's runtime library as ctypes sees it: what `ctypes.CDLL("libcudart.so")` gives once medlar.compat is installed. Polygraphy and other
helpers call CUDA so. The functions are those of cudart.py, in C's manner: results go to pointers, the return value is the error code."""
import ctypes
import ctypes.util
import os

from . import cudart

#: name: types of the results that C's caller passes pointers for, ahead of the other arguments
_FUNCTIONS = {
    "cudaMalloc": 1, "cudaMallocHost": 1, "cudaHostAlloc": 1, "cudaMallocManaged": 1, "cudaMallocAsync": 1, "cudaFree": 0, "cudaFreeHost": 0,
    "cudaFreeAsync": 0, "cudaMemcpy": 0, "cudaMemcpyAsync": 0, "cudaMemset": 0, "cudaMemsetAsync": 0, "cudaMemGetInfo": 2,
    "cudaStreamCreate": 1, "cudaStreamCreateWithFlags": 1, "cudaStreamCreateWithPriority": 1, "cudaStreamDestroy": 0,
    "cudaStreamSynchronize": 0, "cudaStreamQuery": 0, "cudaStreamWaitEvent": 0, "cudaEventCreate": 1, "cudaEventCreateWithFlags": 1,
    "cudaEventDestroy": 0, "cudaEventRecord": 0, "cudaEventSynchronize": 0, "cudaEventQuery": 0, "cudaEventElapsedTime": 1,
    "cudaDeviceSynchronize": 0, "cudaDeviceReset": 0, "cudaGetDevice": 1, "cudaSetDevice": 0, "cudaGetDeviceCount": 1, "cudaGetLastError": 0,
    "cudaPeekAtLastError": 0, "cudaRuntimeGetVersion": 1, "cudaDriverGetVersion": 1,
}
_TEXTS = ("cudaGetErrorString", "cudaGetErrorName")


def _plain(argument):
    """A ctypes value, an int or None as cudart.py takes it."""
    if argument is None:
        return 0
    value = getattr(argument, "value", argument)
    return 0 if value is None else value


def _target(argument):
    """What a pointer argument points to: byref(x), pointer(x)."""
    if hasattr(argument, "_obj"):
        return argument._obj
    if hasattr(argument, "contents"):
        return argument.contents
    raise ctypes.ArgumentError(f"a pointer is wanted (byref or pointer), not {type(argument).__name__}")


class _Function:
    """argtypes and restype may be set; arguments are taken for what they are all the same."""
    argtypes = restype = errcheck = None

    def __init__(self, name, results):
        self.__name__, self._call, self._results = name, getattr(cudart, name), results

    def __call__(self, *arguments):
        targets = [_target(argument) for argument in arguments[:self._results]]
        code, *values = self._call(*(_plain(argument) for argument in arguments[self._results:]))
        if int(code) == 0:
            for target, value in zip(targets, values):
                target.value = value if isinstance(target, (ctypes.c_float, ctypes.c_double)) else int(value)
        return int(code)


def _text(name):
    return lambda code: getattr(cudart, name)(cudart.cudaError_t(_plain(code)))[1]


class CudaRuntime:
    """Functions by attribute, as a ctypes library has them."""
    _handle = 0

    def __init__(self, name):
        self._name = name

    def __getattr__(self, name):
        if name in _TEXTS:
            function = _text(name)
        elif name in _FUNCTIONS:
            function = _Function(name, _FUNCTIONS[name])
        else:
            raise AttributeError(f"{self._name} of medlar.compat has no '{name}' (docs/compat.md lists what it has)")
        self.__dict__[name] = function
        return function

    __getitem__ = __getattr__


def _is_cudart(name):
    return isinstance(name, (str, os.PathLike)) and os.path.basename(os.fspath(name)).startswith("libcudart.so")


class _CDLL(ctypes.CDLL):
    """ctypes.CDLL, but for CUDA's runtime."""

    def __new__(cls, name, *arguments, **options):
        return CudaRuntime(name) if _is_cudart(name) else super().__new__(cls)


def install():
    """Idempotent."""
    if issubclass(ctypes.CDLL, _CDLL):
        return
    find = ctypes.util.find_library
    ctypes.CDLL = ctypes.cdll._dlltype = _CDLL
    ctypes.util.find_library = lambda name: "libcudart.so" if name == "cudart" else find(name)
