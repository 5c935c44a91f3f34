# SPDX-License-Identifier: Apache-2.0
"""Names of cuda.bindings.driver (cuda.cuda) over the simulated module. Every function returns a tuple that starts with a
CUresult."""
import enum

from . import _state
from . import cudart as _rt


class CUresult(enum.IntEnum):
    CUDA_SUCCESS = 0
    CUDA_ERROR_INVALID_VALUE = 1
    CUDA_ERROR_OUT_OF_MEMORY = 2
    CUDA_ERROR_NOT_INITIALIZED = 3
    CUDA_ERROR_INVALID_DEVICE = 101
    CUDA_ERROR_INVALID_CONTEXT = 201
    CUDA_ERROR_INVALID_HANDLE = 400
    CUDA_ERROR_NOT_READY = 600
    CUDA_ERROR_LAUNCH_FAILED = 719
    CUDA_ERROR_UNKNOWN = 999


class CUctx_flags(enum.IntEnum):
    CU_CTX_SCHED_AUTO = 0
    CU_CTX_MAP_HOST = 8


class CUstream_flags(enum.IntEnum):
    CU_STREAM_DEFAULT = 0
    CU_STREAM_NON_BLOCKING = 1


class CUevent_flags(enum.IntEnum):
    CU_EVENT_DEFAULT = 0
    CU_EVENT_BLOCKING_SYNC = 1
    CU_EVENT_DISABLE_TIMING = 2


class CUdevice(int):
    pass


class CUcontext(int):
    pass


class CUdeviceptr(int):
    def getPtr(self):
        return int(self)


CUstream = _rt.cudaStream_t
CUevent = _rt.cudaEvent_t
_OK = CUresult.CUDA_SUCCESS
_CODES = {_rt.cudaError_t.cudaErrorMemoryAllocation: CUresult.CUDA_ERROR_OUT_OF_MEMORY}
_CONTEXTS = []


def _result(answer, kind=None):
    """A runtime answer with the driver's code."""
    code = _CODES.get(answer[0], CUresult(answer[0]) if answer[0] in CUresult._value2member_map_ else CUresult.CUDA_ERROR_UNKNOWN)
    values = answer[1:]
    return (code, *(v if kind is None or v is None else kind(v) for v in values))


def cuInit(flags):
    return _result(_rt._call(0, _state.device))


def cuGetErrorString(error):
    return _OK, CUresult(error).name.encode()


cuGetErrorName = cuGetErrorString


def cuDriverGetVersion():
    return _OK, 12060


def cuDeviceGetCount():
    return _OK, 1


def cuDeviceGet(ordinal):
    return (_OK, CUdevice(0)) if int(ordinal) == 0 else (CUresult.CUDA_ERROR_INVALID_DEVICE, None)


def cuDeviceGetName(length, device):
    return _OK, _rt.cudaDeviceProp().name[:length]


def cuDeviceTotalMem(device):
    return _OK, _state.device().memory[0]


def cuDevicePrimaryCtxRetain(device):
    return _OK, CUcontext(1)


def cuDevicePrimaryCtxRelease(device):
    return (_OK,)


def cuCtxCreate(*arguments):
    _CONTEXTS.append(CUcontext(len(_CONTEXTS) + 1))
    return _OK, _CONTEXTS[-1]


def cuCtxDestroy(context):
    if context in _CONTEXTS:
        _CONTEXTS.remove(context)
    return (_OK,)


def cuCtxPushCurrent(context):
    _CONTEXTS.append(context)
    return (_OK,)


def cuCtxPopCurrent():
    return (_OK, _CONTEXTS.pop()) if _CONTEXTS else (CUresult.CUDA_ERROR_INVALID_CONTEXT, None)


def cuCtxSetCurrent(context):
    return (_OK,)


def cuCtxGetCurrent():
    return _OK, _CONTEXTS[-1] if _CONTEXTS else CUcontext(0)


def cuCtxSynchronize():
    return _result(_rt.cudaDeviceSynchronize())


def cuMemGetInfo():
    return _result(_rt.cudaMemGetInfo())


def cuMemAlloc(size):
    return _result(_rt.cudaMalloc(size), CUdeviceptr)


def cuMemFree(address):
    return _result(_rt.cudaFree(address))


def cuMemAllocHost(size):
    return _result(_rt.cudaMallocHost(size))


def cuMemHostAlloc(size, flags):
    return _result(_rt.cudaMallocHost(size))


def cuMemFreeHost(address):
    return _result(_rt.cudaFreeHost(address))


def _copy(kind):
    def now(dst, src, count):
        return _result(_rt.cudaMemcpy(dst, src, count, kind))

    def later(dst, src, count, stream):
        return _result(_rt.cudaMemcpyAsync(dst, src, count, kind, stream))
    return now, later


cuMemcpyHtoD, cuMemcpyHtoDAsync = _copy(_rt.cudaMemcpyKind.cudaMemcpyHostToDevice)
cuMemcpyDtoH, cuMemcpyDtoHAsync = _copy(_rt.cudaMemcpyKind.cudaMemcpyDeviceToHost)
cuMemcpyDtoD, cuMemcpyDtoDAsync = _copy(_rt.cudaMemcpyKind.cudaMemcpyDeviceToDevice)


def cuMemsetD8(address, value, count):
    return _result(_rt.cudaMemset(address, value, count))


def cuStreamCreate(flags):
    return _result(_rt.cudaStreamCreate())


def cuStreamDestroy(stream):
    return _result(_rt.cudaStreamDestroy(stream))


def cuStreamSynchronize(stream):
    return _result(_rt.cudaStreamSynchronize(stream))


def cuStreamQuery(stream):
    return _result(_rt.cudaStreamQuery(stream))


def cuStreamWaitEvent(stream, event, flags=0):
    return _result(_rt.cudaStreamWaitEvent(stream, event, flags))


def cuEventCreate(flags):
    return _result(_rt.cudaEventCreate())


def cuEventDestroy(event):
    return _result(_rt.cudaEventDestroy(event))


def cuEventRecord(event, stream=0):
    return _result(_rt.cudaEventRecord(event, stream))


def cuEventSynchronize(event):
    return _result(_rt.cudaEventSynchronize(event))


def cuEventElapsedTime(start, end):
    """Milliseconds of modelled device time."""
    return _result(_rt.cudaEventElapsedTime(start, end))


def __getattr__(name):
    raise AttributeError(f"medlar.compat's cuda.bindings.driver has no '{name}' (docs/compat.md lists what it has)")
