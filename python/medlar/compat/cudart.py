# SPDX-License-Identifier: Apache-2.0
"""Names of cuda.bindings.runtime (cuda.cudart) over the simulated module. Every function returns a tuple that starts with
a cudaError_t."""
import enum


from .. import _core
from . import _state


class cudaError_t(enum.IntEnum):
    cudaSuccess = 0
    cudaErrorInvalidValue = 1
    cudaErrorMemoryAllocation = 2
    cudaErrorInitializationError = 3
    cudaErrorInvalidMemcpyDirection = 21
    cudaErrorInvalidDevice = 101
    cudaErrorInvalidResourceHandle = 400
    cudaErrorNotReady = 600
    cudaErrorLaunchFailure = 719
    cudaErrorNotSupported = 801
    cudaErrorUnknown = 999


class cudaMemcpyKind(enum.IntEnum):
    cudaMemcpyHostToHost = 0
    cudaMemcpyHostToDevice = 1
    cudaMemcpyDeviceToHost = 2
    cudaMemcpyDeviceToDevice = 3
    cudaMemcpyDefault = 4


class cudaDeviceAttr(enum.IntEnum):
    cudaDevAttrMultiProcessorCount = 16
    cudaDevAttrIntegrated = 18
    cudaDevAttrComputeCapabilityMajor = 75
    cudaDevAttrComputeCapabilityMinor = 76


cudaStreamDefault, cudaStreamNonBlocking = 0, 1
cudaStreamLegacy, cudaStreamPerThread = 1, 2
cudaEventDefault, cudaEventBlockingSync, cudaEventDisableTiming = 0, 1, 2
cudaHostAllocDefault, cudaHostAllocPortable, cudaHostAllocMapped, cudaHostAllocWriteCombined = 0, 1, 2, 4
cudaMemAttachGlobal, cudaMemAttachHost = 1, 2
cudaDeviceScheduleAuto = 0

_OK = cudaError_t.cudaSuccess
_LAST = [_OK]


class _Handle(int):
    """A handle that prints as what it is."""

    def __repr__(self):
        return f"<{type(self).__name__} {int(self):#x}>"

    def getPtr(self):
        return int(self)


class cudaStream_t(_Handle):
    pass


class cudaEvent_t(_Handle):
    pass


class cudaDeviceProp:
    def __init__(self):
        device = _state.device()
        self.name = f"Medlar {device.name} ({device.label})".encode()
        self.totalGlobalMem = device.memory[0]
        self.major, self.minor = 8, 7
        self.integrated = 1
        self.multiProcessorCount = 0


def _code(error):
    if isinstance(error, _core.ResourceExhausted):
        return cudaError_t.cudaErrorMemoryAllocation
    if isinstance(error, (_core.InvalidArgument, _core.OutOfRange)):
        return cudaError_t.cudaErrorInvalidValue
    if isinstance(error, _core.Busy):
        return cudaError_t.cudaErrorNotReady
    if isinstance(error, (_core.DeviceFault, _core.Timeout)):
        return cudaError_t.cudaErrorLaunchFailure
    return cudaError_t.cudaErrorUnknown


def _call(results, action, *arguments):
    """(error, results...): `results` values follow the error, None each when it failed."""
    try:
        value = action(*arguments)
    except (_core.Error, ValueError, TypeError) as error:
        _LAST[0] = _code(error)
        return (_LAST[0],) + (None,) * results
    if results == 0:
        return (_OK,)
    return (_OK, value) if results == 1 else (_OK, *value)


# --- Errors and devices

def cudaGetErrorString(error):
    return _OK, cudaError_t(error).name.encode()


def cudaGetErrorName(error):
    return _OK, cudaError_t(error).name.encode()


def cudaGetLastError():
    last, _LAST[0] = _LAST[0], _OK
    return (last,)


def cudaPeekAtLastError():
    return (_LAST[0],)


def cudaGetDeviceCount():
    return _OK, 1


def cudaGetDevice():
    return _OK, 0


def cudaSetDevice(device):
    return (_OK,) if int(device) == 0 else (cudaError_t.cudaErrorInvalidDevice,)


def cudaSetDeviceFlags(flags):
    return (_OK,)


def cudaDeviceReset():
    return _call(0, _state.synchronize_all)


def cudaDeviceSynchronize():
    return _call(0, _state.synchronize_all)


def cudaGetDeviceProperties(device):
    return _call(1, cudaDeviceProp)


def cudaDeviceGetAttribute(attribute, device):
    known = {cudaDeviceAttr.cudaDevAttrComputeCapabilityMajor: 8, cudaDeviceAttr.cudaDevAttrComputeCapabilityMinor: 7,
             cudaDeviceAttr.cudaDevAttrIntegrated: 1}
    return (_OK, known[attribute]) if attribute in known else (cudaError_t.cudaErrorInvalidValue, None)


def cudaMemGetInfo():
    def info():
        total, used = _state.device().memory
        return total - used, total
    return _call(2, info)


def cudaRuntimeGetVersion():
    return _OK, 12060


def cudaDriverGetVersion():
    return _OK, 12060


# --- Memory

def cudaMalloc(size):
    return _call(1, _state.allocate, size)


def cudaMallocManaged(size, flags=cudaMemAttachGlobal):
    return cudaMalloc(size)


def cudaMallocAsync(size, stream):
    return cudaMalloc(size)


def cudaMallocHost(size):
    return cudaMalloc(size)


def cudaHostAlloc(size, flags=cudaHostAllocDefault):
    return cudaMalloc(size)


def _free(address):
    if address is not None and int(address) != 0:
        _state.free(address)


def cudaFree(address):
    return _call(0, _free, address)


def cudaFreeAsync(address, stream):
    return _call(0, _free, address)


def cudaFreeHost(address):
    return _call(0, _free, address)


def cudaHostRegister(address, size, flags=0):
    return (_OK,)


def cudaHostUnregister(address):
    return (_OK,)


def cudaHostGetDevicePointer(address, flags=0):
    return _OK, int(address)


def _side(thing, size, on_device, writable):
    """(address, object to keep) of one side of a copy."""
    if _state.is_address(thing):
        address = int(thing)
        if address == 0:
            raise _core.InvalidArgument("a null address")
        buffer = _state.buffer_at(address)
        if buffer is not None or on_device:
            _state.device().check_range(address, size)
        return address, buffer
    if on_device:
        raise _core.InvalidArgument("the device's side of a copy is an address")
    address, length, kept = _state.host_range(thing, writable)
    if length < size:
        raise _core.OutOfRange(f"{size} bytes of a host buffer of {length}")
    return address, kept


def _copy(dst, src, count, kind, handle):
    kind = cudaMemcpyKind(kind)
    to_device = kind in (cudaMemcpyKind.cudaMemcpyHostToDevice, cudaMemcpyKind.cudaMemcpyDeviceToDevice)
    from_device = kind in (cudaMemcpyKind.cudaMemcpyDeviceToHost, cudaMemcpyKind.cudaMemcpyDeviceToDevice)
    count = int(count)
    to, kept_to = _side(dst, count, to_device, True)
    source, kept_from = _side(src, count, from_device, False)
    _state.copy(to, source, count, handle, (kept_to, kept_from))


def cudaMemcpy(dst, src, count, kind):
    return _call(0, _copy, dst, src, count, kind, None)


def cudaMemcpyAsync(dst, src, count, kind, stream=0):
    return _call(0, _copy, dst, src, count, kind, int(stream or 0))


def _fill(address, value, count, handle):
    _state.device().check_range(int(address), int(count))
    if handle is None:
        _state.stream(0).synchronize()
        _core.fill_bytes(int(address), int(value) & 0xFF, int(count))
    else:
        _state.keep(handle, _state.buffer_at(address))
        _state.stream(handle).fill(int(address), int(value) & 0xFF, int(count))


def cudaMemset(address, value, count):
    return _call(0, _fill, address, value, count, None)


def cudaMemsetAsync(address, value, count, stream=0):
    return _call(0, _fill, address, value, count, int(stream or 0))


# --- Streams

def cudaStreamCreate():
    return _call(1, lambda: cudaStream_t(_state.new_stream()))


def cudaStreamCreateWithFlags(flags):
    return cudaStreamCreate()


def cudaStreamCreateWithPriority(flags, priority):
    return cudaStreamCreate()


def cudaStreamDestroy(stream):
    return _call(0, _state.destroy_stream, stream)


def cudaStreamSynchronize(stream):
    return _call(0, _state.synchronize, stream)


def cudaStreamQuery(stream):
    code = _call(1, lambda: _state.stream(stream).done)
    return (code[0],) if code[0] != _OK else ((_OK,) if code[1] else (cudaError_t.cudaErrorNotReady,))


def cudaStreamWaitEvent(stream, event, flags=0):
    return _call(0, lambda: _state.stream(stream).wait(_state.event(event)))


def cudaStreamIsCapturing(stream):
    return _OK, 0


def cudaStreamBeginCapture(stream, mode):
    return (cudaError_t.cudaErrorNotSupported,)


def cudaLaunchHostFunc(stream, function, data):
    return _call(0, lambda: _state.stream(stream).host(lambda: function(data)))


# --- Events

def cudaEventCreate():
    return _call(1, lambda: cudaEvent_t(_state.new_event()))


def cudaEventCreateWithFlags(flags):
    return cudaEventCreate()


def cudaEventDestroy(event):
    return _call(0, _state.destroy_event, event)


def cudaEventRecord(event, stream=0):
    return _call(0, lambda: _state.event(event).record(_state.stream(stream)))


def cudaEventSynchronize(event):
    return _call(0, lambda: _state.event(event).synchronize())


def cudaEventQuery(event):
    code = _call(1, lambda: _state.event(event).done)
    return (code[0],) if code[0] != _OK else ((_OK,) if code[1] else (cudaError_t.cudaErrorNotReady,))


def cudaEventElapsedTime(start, end):
    """Milliseconds of modelled device time."""
    return _call(1, lambda: _state.event(end).modelled_ms_since(_state.event(start)))


def __getattr__(name):
    raise AttributeError(f"medlar.compat's cuda.bindings.runtime has no '{name}' (docs/compat.md lists what it has)")
