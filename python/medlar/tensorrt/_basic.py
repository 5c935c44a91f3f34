# SPDX-License-Identifier: Apache-2.0
"""Plain types of TensorRT's Python package, and the rules that all its objects here follow."""
import datetime
import sys

import numpy as np

from .. import _core
from ._enums import DataType, Enum

float32, float16, int8, int32, bool, uint8, int64 = (DataType.FLOAT, DataType.HALF, DataType.INT8, DataType.INT32, DataType.BOOL,
                                                     DataType.UINT8, DataType.INT64)
fp8, bfloat16, int4, fp4, e8m0 = DataType.FP8, DataType.BF16, DataType.INT4, DataType.FP4, DataType.E8M0

_NUMPY = {DataType.FLOAT: np.float32, DataType.HALF: np.float16, DataType.INT8: np.int8, DataType.INT32: np.int32,
          DataType.BOOL: np.bool_, DataType.UINT8: np.uint8, DataType.INT64: np.int64}


def nptype(trt_type):
    """NumPy's type for a DataType."""
    try:
        return _NUMPY[DataType(trt_type)]
    except KeyError:
        raise TypeError(f"Could not resolve TensorRT datatype to an equivalent numpy datatype: {trt_type}") from None


def itemsize(trt_type):
    """Bytes of one element."""
    return DataType(trt_type).itemsize


def volume(iterable):
    """Product of the dimensions; 1 of none."""
    total = 1
    for dim in iterable:
        total *= int(dim)
    return total


def trt_type(dtype):
    """DataType of a NumPy dtype."""
    for ours, numpy_type in _NUMPY.items():
        if np.dtype(numpy_type) == np.dtype(dtype):
            return ours
    raise TypeError(f"{np.dtype(dtype)} has no TensorRT data type")


class Strict:
    """Attributes that TensorRT lacks are errors here, too, instead of silently new ones. `with` works as it does there."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False

    def __setattr__(self, name, value):
        if not name.startswith("_") and not hasattr(type(self), name):
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        object.__setattr__(self, name, value)


class Dims(tuple):
    """A tuple of dimensions."""
    MAX_DIMS = 8

    def __new__(cls, *shape):
        values = shape[0] if len(shape) == 1 and not isinstance(shape[0], (int, np.integer)) else shape
        return super().__new__(cls, (int(d) for d in values))

    @property
    def nbDims(self):
        return len(self)


class Dims2(Dims):
    pass


class Dims3(Dims):
    pass


class Dims4(Dims):
    pass


class DimsHW(Dims):
    @property
    def h(self):
        return self[0]

    @property
    def w(self):
        return self[1]


class Permutation(Dims):
    pass


class Weights:
    """An array of constants: Weights(array), Weights(dtype) (empty) or Weights(dtype, address, count)."""

    def __init__(self, first=None, ptr=None, count=None):
        if isinstance(first, Enum):
            self._array = np.zeros(0, nptype(first))
            if ptr is not None and count:
                import ctypes
                kind = np.dtype(nptype(first))
                buffer = (ctypes.c_char * (int(count) * kind.itemsize)).from_address(int(ptr))
                self._array = np.frombuffer(bytes(buffer), kind)
        else:
            self._array = np.zeros(0, np.float32) if first is None else np.ascontiguousarray(first)

    @property
    def dtype(self):
        return trt_type(self._array.dtype)

    @property
    def size(self):
        return self._array.size

    @property
    def nbytes(self):
        return self._array.nbytes

    def numpy(self):
        return self._array

    def __len__(self):
        return self._array.size


def weights_array(weights):
    """None, an array or Weights as a contiguous array that the core takes; None when empty."""
    if weights is None:
        return None
    array = weights.numpy() if isinstance(weights, Weights) else np.ascontiguousarray(weights)
    return array if array.size else None


class IHostMemory(bytes):
    """Bytes of an engine or a cache. `memoryview()`, `bytes()` and file.write() take it as it is."""

    @property
    def nbytes(self):
        return len(self)

    @property
    def dtype(self):
        return DataType.INT8


class ILogger:
    """Derive from it and define log(severity, msg)."""

    class Severity(Enum):
        INTERNAL_ERROR = 0
        ERROR = 1
        WARNING = 2
        INFO = 3
        VERBOSE = 4

    INTERNAL_ERROR, ERROR, WARNING, INFO, VERBOSE = Severity

    def __init__(self):
        pass

    def log(self, severity, msg):
        raise NotImplementedError("log(severity, msg)")


class Logger(ILogger):
    """Prints messages of at least `min_severity` to standard error."""

    def __init__(self, min_severity=ILogger.Severity.WARNING):
        super().__init__()
        self.min_severity = min_severity

    def log(self, severity, msg):
        if severity <= self.min_severity:
            stamp = datetime.datetime.now().strftime("%m/%d/%Y-%H:%M:%S")
            letter = "FEWIV"[int(severity)]
            print(f"[{stamp}] [TRT] [{letter}] {msg}", file=sys.stderr)


class CoreLogger(_core.Logger):
    """Hands messages of the core to a TensorRT logger."""

    def __init__(self, logger):
        super().__init__()
        self.target = logger

    def log(self, level, message):
        self.target.log(ILogger.Severity(level), message)


def core_logger(logger):
    """The core's view of a logger, one for each. None makes one that prints warnings."""
    if isinstance(logger, CoreLogger):
        return logger
    if logger is None or not hasattr(logger, "log"):
        raise TypeError(f"a logger is wanted (trt.Logger or a class derived from trt.ILogger), not {type(logger).__name__}")
    return CoreLogger(logger)


def report(logger, error):
    """TensorRT's manner of failing: an ERROR line, and None or False to the caller."""
    logger.log(int(ILogger.Severity.ERROR), f"{type(error).__name__}: {error}")


def call_back(what, function, *arguments):
    """A callback of the program's: what it raises comes out typed, with its own exception as the cause."""
    try:
        return function(*arguments)
    except _core.Error:
        raise
    except Exception as error:
        raise _core.CallbackError(f"{what} raised {type(error).__name__}: {error}") from error


def no_effect(logger, what, why):
    logger.log(int(ILogger.Severity.INFO), f"{what} has no effect: {why}")


def unsupported(what, instead=""):
    return _core.Unsupported(f"{what} is not available{': ' + instead if instead else ''}")
