# SPDX-License-Identifier: Apache-2.0
"""The one simulated device of a process, its streams and its memory, by the numbers that programs hold."""
import threading

import numpy as np

from .. import _core

_LOCK = threading.RLock()
_STREAMS = {}      # handle -> _core.Stream
_KEPT = {}         # handle -> objects that queued work reads or writes
_EVENTS = {}       # handle -> _core.Event
_ALLOCATIONS = {}  # address -> _core.Buffer
_NEXT = [0x1000]


def device():
    return _core.Device.current()


def _new_handle():
    with _LOCK:
        _NEXT[0] += 0x10
        return _NEXT[0]


# --- Streams

def new_stream():
    handle = _new_handle()
    _STREAMS[handle] = device().create_stream()
    return handle


def default_stream():
    return stream(0)


def stream(handle):
    """The stream of a handle; 0 and None mean the default one."""
    number = int(handle) if handle is not None else 0
    if number in (1, 2):  # cudaStreamLegacy, cudaStreamPerThread
        number = 0
    with _LOCK:
        if number not in _STREAMS and number == 0:
            _STREAMS[0] = device().create_stream()
        if number not in _STREAMS:
            raise _core.InvalidArgument(f"stream handle {number:#x} was never created, or is destroyed")
        return _STREAMS[number]


def destroy_stream(handle):
    target = stream(handle)
    synchronize(handle)
    with _LOCK:
        _STREAMS.pop(int(handle), None)
        _KEPT.pop(int(handle), None)
    del target


def synchronize(handle):
    try:
        stream(handle).synchronize()
    finally:
        _KEPT.pop(int(handle or 0), None)


def synchronize_all():
    for handle in list(_STREAMS):
        synchronize(handle)


def keep(handle, *objects):
    """Holds what queued work uses until the stream is synchronised, or seen idle."""
    number = int(handle or 0)
    kept = _KEPT.setdefault(number, [])
    if len(kept) > 64 and stream(handle).done:
        kept.clear()
    kept.extend(objects)


# --- Events

def new_event():
    handle = _new_handle()
    _EVENTS[handle] = device().create_event()
    return handle


def event(handle):
    try:
        return _EVENTS[int(handle)]
    except KeyError:
        raise _core.InvalidArgument(f"event handle {int(handle):#x} was never created, or is destroyed") from None


def destroy_event(handle):
    event(handle)
    del _EVENTS[int(handle)]


# --- Memory

def allocate(size):
    buffer = device().allocate(int(size))
    with _LOCK:
        _ALLOCATIONS[buffer.address] = buffer
    return buffer.address


def free(address):
    """Queued work that uses the memory keeps it until it is done."""
    with _LOCK:
        buffer = _ALLOCATIONS.pop(int(address), None)
    if buffer is None:
        raise _core.InvalidArgument(f"address {int(address):#x} is not the start of an allocation, or is already freed")
    for handle in list(_STREAMS):
        if not _STREAMS[handle].done:
            keep(handle, buffer)


def buffer_at(address):
    """The allocation that starts at an address, or holds it; None when there is none."""
    number = int(address)
    found = _ALLOCATIONS.get(number)
    if found is not None:
        return found
    with _LOCK:
        for start, buffer in _ALLOCATIONS.items():
            if start <= number < start + buffer.size:
                return buffer
    return None


def pinned_array(shape, dtype):
    """An array over memory of the module; the array keeps it."""
    dims = [int(d) for d in (shape if np.iterable(shape) else (shape,))]
    kind = np.dtype(dtype)
    size = int(np.prod(dims, dtype=np.int64)) * kind.itemsize
    if size == 0:
        return np.empty(dims, kind)
    buffer = device().allocate(size)
    return buffer.array(5, [size]).view(kind).reshape(dims)


def host_range(thing, writable=False):
    """(address, bytes, object to keep) of host memory: a NumPy array, anything with the buffer protocol, or an address."""
    if hasattr(thing, "__array_interface__") or isinstance(thing, np.ndarray):
        array = np.asarray(thing)
        if not array.flags.c_contiguous and not array.flags.f_contiguous:
            raise ValueError("ndarray is not contiguous")
        if writable and not array.flags.writeable:
            raise ValueError("the destination array is read-only")
        return array.ctypes.data, array.nbytes, array
    view = np.frombuffer(thing, np.uint8)
    if writable and not view.flags.writeable:
        raise ValueError("the destination buffer is read-only")
    return view.ctypes.data, view.nbytes, view


def is_address(thing):
    return isinstance(thing, (int, np.integer)) or (hasattr(thing, "__int__") and not hasattr(thing, "__array_interface__")
                                                     and not isinstance(thing, (bytes, bytearray, memoryview, np.ndarray)))


def copy(to, source, size, handle=None, keep_alive=()):
    """Now (handle None: after what the default stream does) or when a stream gets there."""
    if size == 0:
        return
    if handle is None:
        stream(0).synchronize()
        _core.copy_bytes(to, source, size)
        return
    keep(handle, *keep_alive)
    stream(handle).copy(to, source, size)
